"""SIGTERM: what is under way is finished, what would never end is ended, and ten seconds are enough."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from running import Answer, Running, Surroundings, start_service

TRIED = Path(__file__).parent / "apps" / "Tried"


def listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def test_requests_under_way_are_finished_and_new_ones_refused(tmp_path: Path) -> None:
    with start_service(TRIED, tmp_path) as service:
        answers: list[Answer] = []
        asking = threading.Thread(target=lambda: answers.append(service.ask("GET", "/slow?seconds=2")))
        asking.start()
        time.sleep(0.5)
        os.kill(service.pid, signal.SIGTERM)
        time.sleep(0.5)
        assert not listening(service.port)
        assert service.health().json()["reasons"] == [{"check": "phase", "reason": "the service is stopping"}]
        asking.join()
        assert service.stop() == 0
        assert answers[0].json() == "done"
        stopped = service.surroundings.folder / "state" / "stopped"
        assert stopped.read_text() == str(service.pid), "the stop hooks ran"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_service_stops_at_once(tmp_path: Path, number: int) -> None:
    with start_service(TRIED, tmp_path) as service:
        idle = socket.create_connection(("127.0.0.1", service.port))
        began = time.monotonic()
        os.kill(service.pid, number)
        assert service.stop() == 0
        assert time.monotonic() - began < 4
        idle.close()


def test_event_streams_end_with_the_service(tmp_path: Path) -> None:
    with start_service(TRIED, tmp_path) as service, socket.create_connection(("127.0.0.1", service.port), 10) as sock:
        sock.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        found = sock.recv(65536)
        began = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < 4
        while chunk := sock.recv(65536):
            found += chunk
        assert found.endswith(b"0\r\n\r\n"), "ended, not cut"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/slow?seconds=60", 0),  # cancelled after the time for draining
        ("/thread?seconds=60", 0),  # a thread cannot be cancelled; it is left behind
        ("/bad/block?seconds=60", 1),  # a stuck loop hears nothing: ended from beside it
    ],
)
def test_ten_seconds_are_enough_for_what_does_not_end(tmp_path: Path, path: str, code: int) -> None:
    with start_service(TRIED, tmp_path) as service:
        with socket.create_connection(("127.0.0.1", service.port)) as sock:
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            time.sleep(0.5)
            began = time.monotonic()
            assert service.stop() == code
            assert time.monotonic() - began < 10
        assert code == 0 or service.lines[-1]["message"] == "the service does not stop and is ended"


def test_stop_hooks_that_hang_are_left(tmp_path: Path) -> None:
    with start_service(TRIED, tmp_path, run_files={"stop-slowly": ""}) as service:
        began = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < 9
        assert "the stop hooks take too long" in service.log


def test_an_import_can_be_stopped(tmp_path: Path, variant: Callable[..., Path]) -> None:
    copy = variant()
    (copy / "tried.py").write_text("import time\ntime.sleep(60)\n")
    running = Running(Surroundings(copy, tmp_path / "home"))
    try:
        running.start(healthy=False)
        running.wait_for_health(503)
        began = time.monotonic()
        assert running.stop() == 0
        assert time.monotonic() - began < 3
    finally:
        running.kill()


def test_a_start_can_be_stopped(tmp_path: Path) -> None:
    running = Running(Surroundings(TRIED, tmp_path, run_files={"start-slowly": ""}))
    try:
        running.start(healthy=False)
        running.wait_for_health(503)
        began = time.monotonic()
        running.stop()
        assert time.monotonic() - began < 10
    finally:
        running.kill()
