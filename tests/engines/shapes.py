"""The probe in place of services that the blueprint names, in a checkout of its own, and one of them as it runs."""

from __future__ import annotations

import json
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from dockwright.engine.docker import Docker

PROBE = Path(__file__).parent / "probe"
# As the compose file confines every instance.
CONFINED = (
    *("--pull=never", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=10001:10001"),
    *("--tmpfs=/tmp:size=16m,mode=1777,noexec,nosuid,nodev", "--memory=256m", "--pids-limit=64"),
)


def put(root: Path, service: str, *machines: str) -> None:
    """Put the probe in place of a service of the checkout at `root`, on these machines."""
    folder = root / "fleet" / "services" / service
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(PROBE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    toml = folder / "service.toml"
    toml.write_text(toml.read_text().replace("@SERVICE@", service))
    declared = root / "fleet" / "fleet.toml"
    row = re.compile(rf"^({service}\s*= {{ machines = )\[[^\]]*\]", re.MULTILINE)
    text, count = row.subn(rf"\g<1>{json.dumps(machines)}", declared.read_text())
    assert count == 1, f"fleet.toml has no row of {service}"
    declared.write_text(text)


@dataclass(frozen=True)
class Running:
    """A container that runs, and where it answers."""

    docker: Docker
    container: str
    address: str

    def get(self, port: int, path: str) -> tuple[int, Any]:
        """Status and JSON of an answer; (0, None) where there is none."""
        return self._ask(urllib.request.Request(f"http://{self.address}:{port}{path}"))

    def post(self, port: int, path: str, body: object) -> tuple[int, Any]:
        data, head = json.dumps(body).encode(), {"Content-Type": "application/json"}
        return self._ask(urllib.request.Request(f"http://{self.address}:{port}{path}", data, head))

    def _ask(self, request: urllib.request.Request) -> tuple[int, Any]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=5) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except (OSError, HTTPException):
            return 0, None

    def state(self) -> Any:
        """What the engine says of the container."""
        (found,) = self.docker.inspect("container", [self.container])
        return found["State"]

    def wait_healthy(self, port: int, seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        while True:
            status, found = self.get(port, "/health")
            if status == 200:
                return found
            assert time.monotonic() < deadline, f"{found}\n{self.docker.logs(self.container, 40)}"
            time.sleep(0.2)


@contextmanager
def started(docker: Docker, image: str) -> Iterator[Running]:
    """A container of an image, confined as every instance is; removed afterwards."""
    container = docker.run("run", "--detach", *CONFINED, image).strip()
    try:
        (found,) = docker.inspect("container", [container])
        network: Any = found["NetworkSettings"]
        yield Running(docker, container, network["IPAddress"])
    finally:
        docker.run("rm", "--force", "--volumes", container)
