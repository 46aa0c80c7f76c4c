"""Services from the work tree as processes: healthy, knowing each other, started again by a change, ended by Ctrl-C."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from dockwright.engine.docker import Docker
from engines.conftest import Machine
from engines.fleet import ROOT, Fleet, get
from engines.supervised import until

pytestmark = pytest.mark.engines
NAMES = ("ServiceRegistry", "UnifiedObservabilityCenter")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what `dev` runs from, to be changed."""
    ignored = shutil.ignore_patterns("__pycache__", "tests", ".*")
    for part in ("src", "fleet", "servicekit"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=ignored)
    return tmp_path


@pytest.fixture
def running(machine: Machine, checkout: Path) -> Iterator[subprocess.Popen[str]]:
    """The two services; the network of the tests' own has their ports free."""
    fleet = Fleet(Docker(machine.client, ""), checkout)
    with fleet.start("dev", *NAMES) as process:
        try:
            yield process
        finally:
            process.kill()


def started_at() -> str:
    found = get("ServiceRegistry", "/info", health=True)
    return str(found["started_at"]) if found else ""


def test_services_run_from_the_work_tree_and_again_when_it_changes(
    running: subprocess.Popen[str], checkout: Path
) -> None:
    until(lambda: all(get(name, "/health", health=True) for name in NAMES))
    until(lambda: len((get("ServiceRegistry", "/v1/registrations") or {"registrations": []})["registrations"]) == 2)
    before = started_at()
    app = checkout / "fleet/services/ServiceRegistry/service_registry/app.py"
    app.write_text(app.read_text() + "\n# another line\n")
    until(lambda: started_at() not in ("", before))
    processes = psutil.Process(running.pid).children(recursive=True)
    assert len(processes) == 2
    running.send_signal(signal.SIGINT)
    output, _ = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "ServiceRegistry: changed: app.py" in output
    assert "Traceback" not in output
    assert not any(process.is_running() for process in processes)
