"""Unit tests cannot reach an engine, whichever way they try. Nothing here would be done if the guard were asleep."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from plugins.guard import NOWHERE, ReachedAnEngine

from dockwright.engine import command, find
from dockwright.engine.state import state_dir
from dockwright.errors import EngineUnavailable

WAYS: dict[str, Callable[[], object]] = {
    "by the tool": lambda: command.run(("docker", "version")),
    "by the tool, line by line": lambda: command.stream(("dockerd", "--version"), print),
    "by its path": lambda: subprocess.run(["/usr/bin/docker", "version"], check=False),
    "packages": lambda: subprocess.run(["apt-get", "--version"], check=False),
    "through a shell": lambda: subprocess.run("docker version", shell=True, check=False),  # noqa: S602
    "as the system's own": lambda: os.system("apt-get --version"),  # noqa: S605
    "spawned": lambda: os.posix_spawn("/usr/sbin/dockerd", ["dockerd", "--version"], {}),
    "under another name": lambda: subprocess.run(["harmless", "version"], executable="/usr/bin/docker", check=False),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_programs_of_engines_are_refused(way: Callable[[], object]) -> None:
    with pytest.raises(ReachedAnEngine, match="only tests under tests/engines may do this"):
        way()


def test_the_systems_socket_is_refused() -> None:
    with socket.socket(socket.AF_UNIX) as probe, pytest.raises(ReachedAnEngine):
        probe.connect("/var/run/docker.sock")


def test_a_tests_own_program_and_socket_are_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\necho mine\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert command.run(("docker",)).stdout == "mine\n"
    assert subprocess.run(["docker"], env={"PATH": str(tmp_path)}, capture_output=True, check=True).stdout == b"mine\n"
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "docker.sock"))
        server.listen()
        client.connect(str(tmp_path / "docker.sock"))


def test_other_programs_run() -> None:
    assert command.run(("sh", "-c", "echo docker")).stdout == "docker\n"


def test_the_engine_that_unit_tests_are_given_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert os.environ["DOCKER_HOST"] == NOWHERE
    assert state_dir().name.startswith("dockwright-unit-state-")
    monkeypatch.setattr(find, "clients", list)
    monkeypatch.setattr(find, "capable_client", lambda: None)
    with pytest.raises(EngineUnavailable):
        find.running()
