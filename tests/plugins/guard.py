"""Unit tests cannot reach a Docker engine, nor install packages: only tests under tests/engines can.

Python's own audit events tell of every program that starts and every socket that connects, whoever asks for it.
Programs in temporary folders are a test's own.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ENGINES = "tests/engines/"
FORBIDDEN = {"docker", "dockerd", "containerd", "apt", "apt-get", "dpkg", "mmdebstrap", "systemctl", "service"}
SHELLS = {"sh", "bash", "dash"}
STARTS = {"subprocess.Popen", "os.posix_spawn", "os.exec", "os.system"}
NOWHERE = "unix:///nonexistent/unit-tests-reach-no-engine.sock"

_lifted = False


class ReachedAnEngine(RuntimeError):
    """A unit test tried to reach what only tests under tests/engines may."""


def pytest_configure(config: pytest.Config) -> None:
    """Watch this process, and hand every test and what it starts an engine that is not there and a state of its own."""
    sys.addaudithook(_watch)
    state = tempfile.mkdtemp(prefix="dockwright-unit-state-")
    config.add_cleanup(lambda: shutil.rmtree(state, ignore_errors=True))
    os.environ |= {"DOCKER_HOST": NOWHERE, "DOCKWRIGHT_STATE": state}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[Any]:
    if item.get_closest_marker("engines") is None:
        return (yield)
    with lifted():
        return (yield)


@contextmanager
def lifted() -> Iterator[None]:
    """Let this process reach engines for a while."""
    global _lifted
    before, _lifted = _lifted, True
    host = os.environ.pop("DOCKER_HOST", None)
    try:
        yield
    finally:
        _lifted = before
        if host is not None:
            os.environ["DOCKER_HOST"] = host


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        reached = _docker_socket(arguments[1])
    elif event in STARTS:
        reached = _forbidden(event, arguments)
    else:
        return
    if reached and not _lifted:
        raise ReachedAnEngine(f"{reached}: only tests under tests/engines may do this")


def _docker_socket(address: object) -> str:
    path = os.fsdecode(address) if isinstance(address, str | bytes) else ""
    return path if path.endswith("docker.sock") and not _temporary(path) else ""


def _forbidden(event: str, arguments: tuple[Any, ...]) -> str:
    """The forbidden program that an audit event tells of; empty where it tells of none."""
    if event == "os.system":
        return _in_shell(os.fsdecode(arguments[0]))
    program, words, environ = arguments[0], arguments[1], arguments[-1]
    argv = [os.fsdecode(word) for word in ([words] if isinstance(words, str | bytes) else words)]
    first = os.fsdecode(program) if program else argv[0]
    if Path(first).name in SHELLS and argv[1:2] == ["-c"]:
        return _in_shell(argv[2])
    return _program(first, environ)


def _in_shell(text: str) -> str:
    """The same of a shell's commands, each by its first word."""
    commands = (command.split() for command in re.split(r"[;&|\n(){}]", text))
    found = [_program(words[0], None) for words in commands if words]
    return next(filter(None, found), "")


def _program(name: str, environ: Mapping[str, str] | Sequence[bytes] | None) -> str:
    """The program that a name stands for, when it is forbidden."""
    path = environ.get("PATH") if isinstance(environ, Mapping) else None
    found = shutil.which(name, path=path) or name
    return found if Path(name).name in FORBIDDEN and not _temporary(found) else ""


def _temporary(path: str) -> bool:
    return Path(path).is_relative_to(tempfile.gettempdir())
