"""No program that a test starts may outlive the tests: one that does is named, ended, and fails the run."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest
from plugins.leftovers import run_name
from plugins.order import one_of_many
from plugins.processes import end, gone, pids, read

# Every program that is started meanwhile inherits it, also one that its parent has left to init.
MARK = "DOCKWRIGHT_TEST_RUN"
OUTLIVED = pytest.StashKey[list[str]]()
# Some are still on their way out.
PATIENCE = 5.0


def pytest_configure(config: pytest.Config) -> None:
    if not one_of_many(config):
        os.environ[MARK] = run_name()
        config.stash[OUTLIVED] = []


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In the process that started the run, after those that ran the tests have ended."""
    if one_of_many(session.config) or sys.platform != "linux":
        return
    still = outlived(run_name(), PATIENCE)
    session.config.stash[OUTLIVED] = [read(f"/proc/{pid}/cmdline").replace("\0", " ").strip() for pid in still]
    end(still, signal.SIGKILL, PATIENCE)
    if still and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    programs = config.stash[OUTLIVED]
    if programs:
        terminalreporter.section("outlived their tests, and were ended")
        for program in sorted(programs):
            terminalreporter.line(program[:200])


def outlived(name: str, patience: float) -> list[int]:
    """Processes of a run, this one aside, that do not end within `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        found = [pid for pid in pids() if pid != os.getpid() and _of_run(pid, name) and not gone(pid)]
        if not found or time.monotonic() >= deadline:
            return found
        time.sleep(0.2)


def _of_run(pid: int, name: str) -> bool:
    return f"{MARK}={name}" in read(f"/proc/{pid}/environ").split("\0")
