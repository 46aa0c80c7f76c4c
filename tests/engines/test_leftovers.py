"""A test run that was killed with its engine running: the next run clears everything of it, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from plugins import leftovers

from engines.conftest import Machine, Running

ROOT = Path(__file__).parents[2]
# What the fixtures do, in a process that can be killed.
RUN = """
import os, sys, time
from engines import network
from plugins import leftovers
from dockwright.engine import daemon, docker
name = leftovers.run_name()
folder = leftovers.folders() / name
folder.mkdir(mode=0o700)
with network.entered(name, joined=True):
    daemon.start(daemon.Daemon(folder / "engine"), docker.capable_client(), lambda text: None)
    print(name, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def killed(machine: Machine) -> Iterator[str]:
    """The name of a run that was killed."""
    path = os.pathsep.join(str(ROOT / folder) for folder in ("src", "servicekit/src", "tests"))
    process = subprocess.Popen(
        [sys.executable, "-c", RUN], env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        process.kill()
    assert name == f"{leftovers.PREFIX}{process.pid}"
    yield name
    leftovers.clear(name)


def test_a_killed_run_is_cleared_as_a_whole(killed: str, machine: Machine, engine: Running) -> None:
    assert killed in leftovers.dead_runs()
    assert machine.name not in leftovers.dead_runs()
    folder = leftovers.folders() / killed
    assert leftovers.processes_of(folder)
    assert (leftovers.NAMESPACES / killed).exists()
    leftovers.clear(killed)
    assert leftovers.processes_of(folder) == set()
    assert not folder.exists()
    assert str(folder) not in Path("/proc/self/mountinfo").read_text()
    assert not (leftovers.NAMESPACES / killed).exists()
    assert list(leftovers.firewall_rules(killed)) == []
    assert engine.docker("version", "--format", "{{.Server.APIVersion}}").strip()
