"""The files of an engine of the tool's own; that it starts and stops is shown in tests/engines/test_engine.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dockwright.engine import bridge
from dockwright.engine.daemon import Daemon, stop


def paths(daemon: Daemon) -> list[str]:
    config = daemon.config()
    assert isinstance(config["hosts"], list)
    found = [config["data-root"], config["exec-root"], config["pidfile"], *config["hosts"]]
    return [str(path).removeprefix("unix://") for path in found]


def test_everything_of_it_lies_below_its_home() -> None:
    home = Path("/var/lib/some/engine")
    assert all(path.startswith(f"{home}/") for path in paths(Daemon(home)))


def test_sockets_whose_paths_would_be_too_long_lie_elsewhere() -> None:
    homes = [Path("/var/lib") / (letter * 90) for letter in "ab"]
    one, other = map(Daemon, homes)
    assert len(str(one.exec_root / "containerd" / "containerd-debug.sock.ttrpc")) <= 107
    assert one.run != other.run
    assert paths(one)[0].startswith(f"{homes[0]}/")


def test_its_logs_are_bounded_and_its_store_is_containerds(tmp_path: Path) -> None:
    config = Daemon(tmp_path).config()
    assert config["log-opts"] == {"max-size": "5m", "max-file": "2"}
    assert config["features"] == {"containerd-snapshotter": True}


def test_one_for_builds_only_leaves_the_hosts_network_alone(tmp_path: Path) -> None:
    """Another engine's bridge and firewall rules are there already."""
    config = Daemon(tmp_path, builds_only=True).config()
    other = Daemon(tmp_path / "other", builds_only=True).config()
    names = {str(config["bridge"]), str(other["bridge"])}
    assert len(names) == 2, "each has a bridge of its own"
    assert all(name.startswith(bridge.PREFIX) and len(name) <= 15 for name in names)
    assert [config[key] for key in ("iptables", "ip6tables", "ip-forward", "ip-masq")] == [False] * 4
    assert {key: config[key] for key in Daemon(tmp_path).config()} == Daemon(tmp_path).config()


@pytest.mark.parametrize("text", ["", "no number", "-1", "999999999", "this process", "1"])
def test_a_pid_file_of_another_program_is_not_believed(tmp_path: Path, text: str) -> None:
    """Process ids are given again: stopping must never reach what got a dead daemon's number."""
    daemon = Daemon(tmp_path)
    assert daemon.pid() is None
    daemon.pid_file.write_text(str(os.getpid()) if text == "this process" else text)
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
