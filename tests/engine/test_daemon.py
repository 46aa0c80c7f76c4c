"""The files of an engine of the tool's own; that it starts and stops is shown in tests/engines/test_engine.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dockwright.engine.daemon import Daemon, stop


def test_everything_of_it_lies_below_its_home(tmp_path: Path) -> None:
    config = Daemon(tmp_path).config()
    paths = [config["data-root"], config["exec-root"], config["pidfile"], *config["hosts"]]  # type: ignore[misc]
    assert all(str(path).removeprefix("unix://").startswith(f"{tmp_path}/") for path in paths)


def test_its_logs_are_bounded_and_its_store_is_containerds(tmp_path: Path) -> None:
    config = Daemon(tmp_path).config()
    assert config["log-opts"] == {"max-size": "5m", "max-file": "2"}
    assert config["features"] == {"containerd-snapshotter": True}


@pytest.mark.parametrize("text", ["", "no number", "-1", "999999999", str(os.getpid()), "1"])
def test_a_pid_file_of_another_program_is_not_believed(tmp_path: Path, text: str) -> None:
    """Process ids are given again: stopping must never reach what got a dead daemon's number."""
    daemon = Daemon(tmp_path)
    assert daemon.pid() is None
    daemon.pid_file.write_text(text)
    assert daemon.pid() is None
    assert stop(daemon) is False


def test_a_daemon_of_another_home_is_not_believed(tmp_path: Path) -> None:
    one, other = Daemon(tmp_path / "one"), Daemon(tmp_path / "other")
    code = "import time; print('here', flush=True); time.sleep(600)"
    words = [sys.executable, "-c", code, "--config-file", str(one.home / "daemon.json")]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        for daemon in (one, other):
            daemon.home.mkdir()
            daemon.pid_file.write_text(str(process.pid))
        assert one.pid() == process.pid
        assert other.pid() is None
        assert stop(other) is False
        assert process.poll() is None
        assert stop(one) is True
    finally:
        process.kill()
        process.communicate()
