"""Starts a service as its own process, exactly as in its image: `python -m servicekit` in its folder.

    with start_service("ServiceRegistry", tmp_path, run_files={"desired.json": {...}}) as service:
        service.url, service.health_url, service.token, service.log
        service.kill(); service.stop() -> exit code

Ports are free ones on loopback, state is temporary, the environment holds nothing of the caller's. When a test fails,
what the service wrote is printed by `log`.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SERVICES = ROOT / "fleet" / "services"
KIT = ROOT / "servicekit" / "src"
PROFILE = {
    "GPU_VISIBLE_DEVICES": "none",
    "TORCH_CUDA_ALLOC_CONF": "max_split_size_mb:64",
    "OMP_NUM_THREADS": 1,
    "UVICORN_WORKERS": 4,
    "MODEL_EVICT_THRESHOLD_PCT": 90,
}
SBOM = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": []}
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_ports(count: int) -> list[int]:
    """From below those that the system gives to clients, so that none of them takes one before the service does."""
    found: list[int] = []
    while len(found) < count:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


@dataclass
class Answer:
    status: int
    body: bytes
    headers: Message

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Surroundings:
    """What a container gets: files in `folder` and variables. Everything that a test may want to change is here."""

    service: Path
    folder: Path
    machine: str = "mainpc"
    ports: tuple[int, int] | None = None
    peers: Mapping[str, Any] = field(default_factory=dict)
    profile: Mapping[str, Any] = field(default_factory=lambda: PROFILE)
    secrets: Mapping[str, str] = field(default_factory=dict)
    run_files: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)

    def write(self) -> dict[str, str]:
        """Writes the files and returns the environment."""
        declared = tomllib.loads((self.service / "service.toml").read_text())
        self.ports = self.ports or tuple(free_ports(2))  # type: ignore[assignment]
        assert self.ports is not None
        for name in ("state", "run", "secrets", "tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        build = {
            "service": declared["name"],
            "machine": self.machine,
            "family": "family-of-tests",
            "git_sha": "0" * 40,
            "tag": "20261124-0000000",
            "input_digest": "sha256:" + "0" * 64,
            "port": self.ports[0],
            "health_port": self.ports[1],
        }
        for name in {*declared.get("secrets", ()), "fleet-token"}:
            path = self.folder / "secrets" / name
            if name in self.secrets or not path.exists():
                path.write_text(self.secrets.get(name) or secrets.token_urlsafe(24))
        for name, content in {"build.json": build, "profile.json": self.profile, "sbom.json": SBOM}.items():
            (self.folder / name).write_text(json.dumps(content))
        for name, content in self.run_files.items():
            (self.folder / "run" / name).write_text(content if isinstance(content, str) else json.dumps(content))
        return self.environment()

    def environment(self) -> dict[str, str]:
        own = {key: os.environ[key] for key in ("PATH", "LANG", "HOME") if key in os.environ}
        folders = {f"DOCKWRIGHT_{key}_DIR": key.lower() for key in ("STATE", "RUN", "SECRETS")}
        files = {f"DOCKWRIGHT_{key}": f"{key.lower()}.json" for key in ("BUILD", "PROFILE", "SBOM")}
        paths = {key: str(self.folder / name) for key, name in (folders | files).items()}
        ours = {
            "PYTHONPATH": str(KIT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(self.folder / "tmp"),
            "DOCKWRIGHT_BIND": "127.0.0.1",
            "DOCKWRIGHT_PEERS": json.dumps(self.peers),
        }
        return {**own, **paths, **ours, **self.env}


class Running:
    """One start of a service. `start` and `stop` may be called again: state and ports stay."""

    def __init__(self, surroundings: Surroundings, python: str = sys.executable) -> None:
        self.surroundings = surroundings
        self.python = python
        self.environment = surroundings.write()
        assert surroundings.ports is not None
        self.port, self.health_port = surroundings.ports
        self.url = f"http://127.0.0.1:{self.port}"
        self.health_url = f"http://127.0.0.1:{self.health_port}"
        self.token = (surroundings.folder / "secrets" / "fleet-token").read_text()
        self.log_file = surroundings.folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.splitlines()]

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def peer(self) -> dict[str, dict[str, str]]:
        """What DOCKWRIGHT_PEERS of others says of this one."""
        return {self.surroundings.machine: {"url": self.url, "health_url": self.health_url}}

    def start(self, healthy: bool = True, seconds: float = 30.0) -> None:
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [self.python, "-m", "servicekit"],
                cwd=self.surroundings.service,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if healthy:
            self.wait_for_health(seconds=seconds)

    def wait_for_health(self, status: int = 200, seconds: float = 30.0) -> Answer:
        ends_at = time.monotonic() + seconds
        found: Answer | str = "nothing yet"
        while time.monotonic() < ends_at:
            code = self.process.poll() if self.process else None
            if code is not None:
                raise AssertionError(f"the service ended with {code}:\n{self.log}")
            try:
                found = self.health()
                if found.status == status:
                    return found
            except (OSError, HTTPException) as error:
                found = str(error)
            time.sleep(0.05)
        raise AssertionError(f"no /health {status} within {seconds} s, but {found}:\n{self.log}")

    def health(self, path: str = "/health", timeout: float = 5.0) -> Answer:
        return request("GET", self.health_url + path, timeout=timeout)

    def ask(self, method: str, path: str, json: Any = None, token: bool = True, **more: Any) -> Answer:
        """One request to the service port, with the fleet's token unless `token` is false."""
        headers = {"Authorization": f"Bearer {self.token}"} if token else {}
        return request(method, self.url + path, json, headers | more.pop("headers", {}), **more)

    def stop(self, seconds: float = 15.0) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """SIGKILL to the process and those that it started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)


def request(
    method: str, url: str, json: Any = None, headers: Mapping[str, str] | None = None, timeout: float = 10.0
) -> Answer:
    """One request; every status is an answer. `json` may be bytes, which are sent as they are."""
    body = json if isinstance(json, bytes) or json is None else _encoded(json)
    kind = {} if body is None else {"Content-Type": "application/json"}
    wish = urllib.request.Request(url, body, kind | dict(headers or {}), method=method)
    try:
        with OPENER.open(wish, timeout=timeout) as found:
            return Answer(found.status, found.read(), found.headers)
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read(), error.headers)


def _encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@contextlib.contextmanager
def start_service(
    name: str | Path, folder: Path, healthy: bool = True, python: str = sys.executable, **more: Any
) -> Iterator[Running]:
    """`name` is a folder of fleet/services, or the path of any folder with a service.toml; `more`: see Surroundings."""
    service = name if isinstance(name, Path) else SERVICES / name
    home = folder / service.name
    running = Running(Surroundings(service, home, **more), python)
    try:
        running.start(healthy)
        yield running
    except BaseException:
        print(f"--- log of {service.name} ---\n{running.log}")
        raise
    finally:
        running.kill()
