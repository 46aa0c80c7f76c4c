"""The health port, from outside: it tells the truth, also while the service's loop is stuck and clients are hostile."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from running import Running, start_service

TRIED = Path(__file__).parent / "apps" / "Tried"


def raw(port: int, sent: bytes) -> bytes:
    """What comes back until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.sendall(sent)
        found = b""
        while chunk := sock.recv(65536):
            found += chunk
        return found


def test_health_and_info_and_metrics(tried: Running) -> None:
    health = tried.health()
    assert health.status == 200
    assert health.json()["status"] == "ok"
    assert health.headers["Content-Type"] == "application/json"
    info = tried.health("/info").json()
    assert info["service"] == "Tried" and info["machine"] == "mainpc" and info["workers"] == 1
    assert info["engine"] == "none", "a service's own fact"
    assert info["sbom_digest"].startswith("sha256:") and info["profile"]["OMP_NUM_THREADS"] == 1
    tried.ask("GET", "/items/7")
    metrics = tried.health("/metrics").body.decode()
    assert 'http_requests_total{method="GET",route="/items/{number}",status="200"}' in metrics
    assert "service_healthy 1.0" in metrics and "process_resident_memory_bytes" in metrics


def test_a_check_makes_it_unhealthy_and_well_again(tried: Running) -> None:
    unwell = tried.surroundings.folder / "run" / "unwell"
    unwell.write_text("no disk")
    try:
        health = tried.health()
        assert health.status == 503
        assert health.json()["reasons"] == [{"check": "feels", "reason": "no disk"}]
        assert "service_healthy 0.0" in tried.health("/metrics").body.decode()
    finally:
        unwell.unlink()
    assert tried.health().status == 200


def test_a_check_that_breaks_is_no_health(tried: Running) -> None:
    unwell = tried.surroundings.folder / "run" / "unwell"
    unwell.mkdir()  # read_text() raises
    try:
        assert tried.health().json()["reasons"] == [
            {"check": "feels", "reason": "the check itself failed: IsADirectoryError"}
        ]
    finally:
        unwell.rmdir()


def test_a_blocked_loop_shows_within_two_seconds_while_the_port_accepts(tried: Running) -> None:
    blocking = threading.Thread(target=tried.ask, args=("GET", "/bad/block?seconds=5"), kwargs={"timeout": 20})
    blocking.start()
    time.sleep(0.3)
    began = time.monotonic()
    health = tried.health()
    took = time.monotonic() - began
    with socket.create_connection(("127.0.0.1", tried.port), 1):
        pass  # the service port accepts all the while
    metrics = tried.health("/metrics").body.decode()
    again = time.monotonic()
    assert tried.health().status == 503
    at_once = time.monotonic() - again
    blocking.join()
    assert health.status == 503
    assert [reason["check"] for reason in health.json()["reasons"]] == ["loop"]
    assert took < 2.0, f"took {took:.2f} s"
    assert at_once < 1.0, "a loop that is known to be stuck is not waited for again"
    assert "service_healthy 0.0" in metrics
    assert tried.wait_for_health(seconds=5).json()["status"] == "ok", "and back"


BROKEN = """
from fastapi import FastAPI
from servicekit import Service
from servicekit.web import create_app

class Broken:
    def describe(self):
        return []

    def collect(self):
        raise RuntimeError("no number")

def create(service: Service) -> FastAPI:
    service.metrics.register(Broken())
    return create_app(service, title="x", version="1")
"""


def test_metrics_that_break_are_said_and_harm_nothing_else(tmp_path: Path, variant: Callable[..., Path]) -> None:
    copy = variant()
    (copy / "tried.py").write_text(BROKEN)
    with start_service(copy, tmp_path / "home") as service:
        assert service.health("/metrics").status == 503
        assert service.health().status == 200
        assert any("RuntimeError: no number" in line.get("trace", "") for line in service.lines)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (b"POST /health HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
        (b"GET /health?deep=1 HTTP/1.1\r\nHost: x\r\n\r\n", b"200"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /health HTTP/9\r\n\r\n", b"400"),
        (b"GET /\xff\xfe HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", b"400"),
    ],
)
def test_garbage_gets_a_plain_answer(tried: Running, sent: bytes, status: bytes) -> None:
    assert raw(tried.health_port, sent).split(b" ", 2)[1] == status


def test_head_has_no_body(tried: Running) -> None:
    found = raw(tried.health_port, b"HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 200 ") and found.endswith(b"\r\n\r\n")


def test_clients_that_hold_connections_keep_nobody_out(tmp_path: Path) -> None:
    with start_service(TRIED, tmp_path) as service:
        before = resident_kb(service.pid)
        held = [socket.create_connection(("127.0.0.1", service.health_port), 5) for _ in range(200)]
        try:
            for sock in held[::2]:
                sock.sendall(b"GET /health HTTP/1.1\r\nX-Slow: ")  # and then nothing more
            for _ in range(3):
                began = time.monotonic()
                assert service.health().status == 200
                assert time.monotonic() - began < 1.5
        finally:
            for sock in held:
                sock.close()
        assert resident_kb(service.pid) - before < 8_000
        silent = socket.create_connection(("127.0.0.1", service.health_port), 5)
        silent.settimeout(6)
        with silent:
            assert silent.recv(1) == b"", "a client that says nothing is let go"


def resident_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])
