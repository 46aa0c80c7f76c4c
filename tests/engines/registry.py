"""A real registry on loopback, Debian's own (distribution 2.8, which has no referrers API), in a folder of its own."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dockwright.engine import command
from dockwright.engine.registry.place import Place
from dockwright.errors import DockwrightError

PROGRAM = "docker-registry"
USER, PASSWORD = "tester", "wonderful-secret"
HTPASSWD = f"{USER}:$2b$05$abcdefghijklmnopqrstuu4uS0dXK.1CyGoAGlixyoS9kaFWD87SC\n"


def wants_password(folder: Path) -> dict[str, object]:
    """Settings of a registry that lets only USER in."""
    (folder / "htpasswd").write_text(HTPASSWD)
    return {"auth": {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}}}


@dataclass
class Registry:
    """A registry at `host`; `kill`, `start` and `stop` as a test likes. Its data outlives its process."""

    folder: Path
    program: Path
    port: int
    settings: Mapping[str, object] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def place(self) -> Place:
        """Where a test's fleet has its images."""
        return Place(self.host, "fleet")

    @property
    def log(self) -> str:
        return (self.folder / "registry.log").read_text(errors="replace")

    @property
    def blobs(self) -> Path:
        """Where it keeps content: `sha256/ab/abcd…/data`."""
        return self.folder / "data" / "docker" / "registry" / "v2" / "blobs"

    def blob(self, digest: str) -> Path:
        """The file of a blob, to be looked at or spoiled."""
        algorithm, _, name = digest.partition(":")
        return self.blobs / algorithm / name[:2] / name / "data"

    def start(self) -> None:
        configuration = self.folder / "config.json"  # JSON is YAML.
        configuration.write_text(json.dumps(self._configuration()))
        with (self.folder / "registry.log").open("ab") as log:
            self.process = subprocess.Popen(
                (self.program, "serve", configuration), stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + 60
        while not self._listens():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def _configuration(self) -> dict[str, object]:
        storage = {"filesystem": {"rootdirectory": str(self.folder / "data")}, "delete": {"enabled": True}}
        return {
            "version": 0.1,
            "log": {"level": "info", "accesslog": {"disabled": False}},
            "storage": storage,
            **self.settings,
            "http": {"addr": self.host, **dict(self.settings.get("http", {}))},  # type: ignore[call-overload]
        }

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)

    def requests(self, method: str, part: str) -> int:
        """How often it was asked with a method for a path that contains `part`."""
        return sum(f'"{method} ' in line and part in line for line in self.log.splitlines())

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://{self.host}{path}", timeout=30) as answer:
            found: bytes = answer.read()
        return found


def program(folder: Path) -> Path:
    """The registry's program: this machine's, or the distribution's package, unpacked but not installed."""
    found = shutil.which(PROGRAM)
    if found:
        return Path(found)
    unpacked = folder / "registry-package"
    if not unpacked.exists():
        unpacked.mkdir()
        try:
            command.run(("apt-get", "download", PROGRAM), cwd=unpacked, timeout=300)
        except DockwrightError:
            pytest.skip(f"no {PROGRAM} here, and apt-get cannot download it")
        (package,) = unpacked.glob(f"{PROGRAM}_*.deb")
        command.run(("dpkg-deb", "--extract", package, unpacked))
    return unpacked / "usr" / "bin" / PROGRAM


@contextmanager
def running(folder: Path, program: Path, settings: Mapping[str, object] | None = None) -> Iterator[Registry]:
    """A registry for a while, empty at first."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder.mkdir(parents=True)
    made = Registry(folder, program, port, settings or {})
    made.start()
    try:
        yield made
    finally:
        made.kill()
        shutil.rmtree(folder)
