"""The supervisor's filter as its own process, in front of a real engine."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engines.supervised import SERVICE, Engine, until


class OverUnix(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("docker", timeout=30)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self._path)


class Guard:
    """The filter as its own process; `instances` holds the approved bodies."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.socket = folder / "guard.sock"
        self.instances = folder / "instances"
        self.instances.mkdir()
        self.log = folder / "guard.log"
        env = {
            **os.environ,
            "DOCKWRIGHT_DOCKER_SOCKET": str(engine.socket),
            "DOCKWRIGHT_FILTER_SOCKET": str(self.socket),
            "DOCKWRIGHT_RUN_DIR": str(folder),
        }
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "self_healing_supervisor.filter"]
            self.process = subprocess.Popen(command, cwd=SERVICE, env=env, stdout=log, stderr=log)

    def approve(self, name: str, wanted: dict[str, Any]) -> None:
        (self.instances / f"{name}.json").write_text(json.dumps(wanted))

    def follow(self, registry: str) -> None:
        (self.instances.parent / "desired.json").write_text(json.dumps({"follow": {"registry": registry}}))

    def answers(self) -> bool:
        """Whether it takes connections: its socket is there a moment before it listens."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def ask(self, method: str, target: str, sent: object = None) -> tuple[int, Any]:
        connection = OverUnix(self.socket)
        connection.putrequest(method, target, skip_accept_encoding=True)
        raw = b"" if sent is None else json.dumps(sent).encode()
        connection.putheader("Content-Length", str(len(raw)))
        connection.endheaders(raw)
        answer = connection.getresponse()
        found = answer.read()
        connection.close()
        try:
            return answer.status, json.loads(found)
        except ValueError:
            return answer.status, found


@contextmanager
def guarding(engine: Engine, folder: Path) -> Iterator[Guard]:
    """A filter that listens; `folder` is short, as paths of sockets are, and holds what is desired and approved."""
    one = Guard(engine, folder)
    try:
        until(one.answers)
        yield one
    finally:
        one.process.terminate()
        one.process.wait(10)
