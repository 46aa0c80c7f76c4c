"""What tests with engines made on this machine, and how all of it goes away, also after a run that was killed.

Everything of a run carries its name, which holds its process id: a folder, a network namespace, firewall rules. What
carries no such name, or the name of a run that goes on, is never touched.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from plugins.order import one_of_many
from plugins.processes import end, family, pids, read

PREFIX = "dockwright-test-"
NAMESPACES = Path("/run/netns")
RULES = (("filter", "FORWARD"), ("nat", "POSTROUTING"))


def run_name() -> str:
    """The name of what this process makes."""
    return f"{PREFIX}{os.getpid()}"


def folders() -> Path:
    """Where runs have their folders: on disk, since images do not fit in memory."""
    return Path(os.environ.get("TMPDIR") or "/var/tmp")


def pytest_sessionstart(session: pytest.Session) -> None:
    _sweep(session)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """After the processes that ran the tests have ended; some may have been killed."""
    _sweep(session)


def _sweep(session: pytest.Session) -> None:
    if not one_of_many(session.config) and sys.platform == "linux" and os.geteuid() == 0:
        for name in dead_runs():
            clear(name)


def dead_runs() -> set[str]:
    """Names of runs whose process is gone."""
    found = [path.name for folder in (folders(), NAMESPACES) for path in folder.glob(f"{PREFIX}*")]
    matches = [re.match(rf"({PREFIX}(\d+))(-\w+)?$", name) for name in found]
    return {match[0] for match in matches if match and not Path(f"/proc/{match[2]}").exists()}


def clear(name: str) -> None:
    """End the processes of a run, undo its mounts, remove its folder, its network and its firewall rules."""
    folder = folders() / name
    end(_daemons(folder), signal.SIGTERM, 30)
    end(family(processes_of(folder) | _inside(name)), signal.SIGKILL, 10)
    for point in sorted(_mounts(folder), key=len, reverse=True):
        subprocess.run(("umount", "--lazy", point), check=False, capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)
    if (NAMESPACES / name).exists():
        subprocess.run(("ip", "netns", "delete", name), check=False, capture_output=True)
    for table, rule in firewall_rules(name):
        subprocess.run(("iptables", "-t", table, "-D", *rule), check=False, capture_output=True)


def firewall_rules(name: str) -> Iterator[tuple[str, list[str]]]:
    """Table and rule of everything that a run added to this machine's firewall."""
    if shutil.which("iptables") is None:
        return
    for table, chain in RULES:
        done = subprocess.run(("iptables", "-t", table, "-S", chain), check=False, capture_output=True, text=True)
        for line in done.stdout.splitlines():
            words = line.replace('"', "").split()
            if name in words:
                yield table, words[1:]


def processes_of(folder: Path) -> set[int]:
    """Processes that were started with a path in this folder: the engine, its containerd, its shims."""
    found = set()
    for pid in pids():
        words = read(f"/proc/{pid}/cmdline").split("\0")
        if any(word == str(folder) or word.startswith(f"{folder}/") for word in words):
            found.add(pid)
    return found


def _daemons(folder: Path) -> set[int]:
    return {pid for pid in processes_of(folder) if read(f"/proc/{pid}/comm").strip() == "dockerd"}


def _inside(name: str) -> set[int]:
    """Processes in a run's network namespace; never this one."""
    try:
        wanted = (NAMESPACES / name).stat().st_ino
    except FileNotFoundError:
        return set()
    found = set()
    for pid in pids():
        try:
            if Path(f"/proc/{pid}/ns/net").stat().st_ino == wanted:
                found.add(pid)
        except OSError:
            continue  # It ended meanwhile.
    return found - {os.getpid()}


def _mounts(folder: Path) -> list[str]:
    points = [line.split()[4] for line in read("/proc/self/mountinfo").splitlines()]
    return [point for point in points if point.startswith(f"{folder}/")]
