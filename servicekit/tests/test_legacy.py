"""What must also work on Python 3.10 with pydantic 1 and FastAPI 0.110.0, beyond the tests that run on both."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from running import Surroundings, start_service

TRIED = Path(__file__).parent / "apps" / "Tried"


def test_it_is_what_it_says(legacy: str) -> None:
    code = "import sys, pydantic, fastapi; print(sys.version_info[:2], pydantic.VERSION, fastapi.__version__)"
    found = subprocess.run([legacy, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "(3, 10) 1.10.15 0.110.0"


def test_workers(legacy: str, tmp_path: Path, variant: Callable[..., Path]) -> None:
    with start_service(variant(workers=2), tmp_path, python=legacy) as service:
        assert service.health("/info").json()["workers"] == 2
        assert service.ask("POST", "/echo", {}).status == 200
        assert "tried_done_total 1.0" in service.health("/metrics").body.decode()
        assert service.stop() == 0


def test_event_streams(legacy: str, tmp_path: Path) -> None:
    with start_service(TRIED, tmp_path, python=legacy) as service:
        service.ask("POST", "/events?times=3")
        with socket.create_connection(("127.0.0.1", service.port), 10) as sock, sock.makefile("rb") as file:
            sock.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 1\r\n\r\n")
            found = [line for line in (file.readline() for _ in range(24)) if line.startswith(b"id: ")]
            assert found[:2] == [b"id: 2\n", b"id: 3\n"]
            assert service.stop() == 0


def test_its_api_is_described(legacy: str, tmp_path: Path) -> None:
    environment = Surroundings(TRIED, tmp_path).write()
    command = [legacy, "-m", "servicekit", "openapi"]
    done = subprocess.run(command, cwd=TRIED, env=environment, capture_output=True, text=True, check=True)
    assert "/echo" in json.loads(done.stdout)["paths"]


def test_every_module_of_the_kit_can_be_imported(legacy: str) -> None:
    source = Path(__file__).parents[1] / "src"
    files = [path for path in (source / "servicekit").rglob("*.py") if path.name != "__main__.py"]
    names = [".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__") for path in files]
    code = f"import importlib, sys; sys.path.insert(0, {str(source)!r}); list(map(importlib.import_module, {names!r}))"
    subprocess.run([legacy, "-W", "error", "-c", code], check=True, timeout=60)
