"""What this machine can do for tests: why those that need a Docker engine or an NVIDIA card cannot run here."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from plugins import leftovers
from plugins.guard import ENGINES, lifted

from dockwright.engine import install
from dockwright.engine.docker import capable_client

# Images, downloads and what the engine keeps of the build.
ROOM = 30 * 2**30
CAP_NET_ADMIN, CAP_SYS_ADMIN = 12, 21


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("dockwright")
    group.addoption("--fast", action="store_true", help="leave out the tests that start Docker engines")
    group.addoption("--gpu-families", action="store_true", help="build the images of GPU families")
    group.addoption("--scenarios", action="store_true", help="what goes wrong between two machines, one by one")
    group.addoption("--no-install", action="store_true", help="let tests install no packages on this machine")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs an engine or a card, and skip it with the reason where there is none."""
    for item in items:
        if item.nodeid.startswith(ENGINES):
            item.add_marker(pytest.mark.engines)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(1200))  # The first one waits for packages, an engine and roots.
        elif item.get_closest_marker("engines"):
            raise pytest.UsageError(f"{item.nodeid}: tests that start engines belong in {ENGINES}")
    reasons: dict[str, Callable[[pytest.Config], str]] = {
        "engines": no_engine,
        "gpu_families": no_gpu_families,
        "gpu": no_gpu,
        "scenarios": no_scenarios,
    }
    for name, reason in reasons.items():
        marked = [item for item in items if item.get_closest_marker(name)]
        why = reason(config) if marked else ""
        for item in marked if why else ():
            item.add_marker(pytest.mark.skip(reason=why))


def no_engine(config: pytest.Config) -> str:
    """Why no test can start a Docker engine here; empty where one can."""
    if config.option.fast:
        return "left out by --fast"
    if sys.platform != "linux":
        return "Docker engines of the tests' own need Linux"
    if os.geteuid() != 0:
        return "only root can start Docker engines"
    if not all(effective_capabilities() >> number & 1 for number in (CAP_NET_ADMIN, CAP_SYS_ADMIN)):
        return "root has no say over networks and mounts in this container, so no Docker engine can start"
    with lifted():
        client = capable_client()
    if client and shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"):
        return ""
    if config.option.no_install:
        return "Docker is missing and --no-install forbids installing it"
    host = install.read_host()
    return "" if host.supported else f"Docker is missing and cannot be installed on {host.name}"


def effective_capabilities() -> int:
    """The capabilities of this process, as the kernel numbers them."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1], 16) for line in lines if line.startswith("CapEff:"))


def no_gpu_families(config: pytest.Config) -> str:
    """Why no test can build the images of GPU families here; empty where one can."""
    if not config.option.gpu_families:
        return "GPU families are built where asked: ./dockwright test --all"
    free = shutil.disk_usage(leftovers.folders()).free
    return "" if free >= ROOM else f"GPU families take {ROOM >> 30} GiB of disk, and there are {free >> 30}"


def no_scenarios(config: pytest.Config) -> str:
    """Why the scenarios of rollouts are not played here; empty where they are."""
    asked: bool = config.option.scenarios
    return "" if asked else "rollouts that break take long and are played where asked: ./dockwright test --all"


def no_gpu(_: pytest.Config) -> str:
    """Why no test can use a GPU here; empty where one can."""
    return "" if Path("/dev/nvidiactl").exists() else "there is no NVIDIA card"
