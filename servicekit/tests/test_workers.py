"""Several workers: one health port for all, who dies is replaced, and the numbers are those of all of them."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running import PROFILE, Running, Surroundings, start_service

Variant = Callable[..., Path]


@pytest.fixture
def two(tmp_path: Path, variant: Variant) -> Iterator[Running]:
    with start_service(variant(workers=2), tmp_path) as running:
        yield running


def children(pid: int) -> set[int]:
    return {int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def serving(service: Running, tries: int = 40) -> set[int]:
    """Which processes answer; each connection goes to whoever takes it first."""
    return {service.ask("GET", "/pid").json() for _ in range(tries)}


def blocked(service: Running, count: int, seconds: float) -> list[socket.socket]:
    """Connections whose requests block the loops of as many workers."""
    found = []
    for _ in range(count):
        sock = socket.create_connection(("127.0.0.1", service.port))
        sock.sendall(f"GET /bad/block?seconds={seconds} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        time.sleep(0.3)
        found.append(sock)
    return found


def test_two_processes_serve_behind_one_health_port(two: Running) -> None:
    workers = children(two.pid)
    assert len(workers) == 2, "two workers, and nothing else"
    assert serving(two) <= workers
    info = two.health("/info").json()
    assert info["workers"] == 2 and info["engine"] == "none"
    assert two.health().json()["service"] == "Tried"


def test_the_instance_registers_once_also_when_it_is_unwell(tmp_path: Path, variant: Variant) -> None:
    """A registry that is a socket: what comes is enough."""
    with socket.create_server(("127.0.0.1", 0)) as registry:
        url = "http://127.0.0.1:{}".format(registry.getsockname()[1])
        peers = {"ServiceRegistry": {"mainpc": {"url": url, "health_url": url}}}
        run_files = {"unwell": "no disk"}
        one = Running(Surroundings(variant(workers=2), tmp_path / "home", peers=peers, run_files=run_files))
        try:
            one.start(healthy=False)
            registry.settimeout(20)
            sock, _ = registry.accept()
            with sock:
                sock.settimeout(10)
                sent = b""
                while not sent.endswith(b"}}"):
                    sent += sock.recv(65536)
                sock.sendall(b'HTTP/1.1 201 Created\r\nContent-Length: 29\r\n\r\n{"id":"1","lease_seconds":60}')
            assert sent.startswith(b"POST /v1/registrations ") and b'"capabilities": ["trying"]' in sent
            registry.settimeout(2)
            with pytest.raises(TimeoutError):
                registry.accept()
        finally:
            one.kill()


def test_the_profile_is_a_ceiling(tmp_path: Path, variant: Variant) -> None:
    profile = {**PROFILE, "UVICORN_WORKERS": 2}
    with start_service(variant(workers="profile"), tmp_path / "a", profile=profile) as service:
        assert service.health("/info").json()["workers"] == 2
        assert len(children(service.pid)) == 2


def test_no_service_exceeds_its_machines_number(tmp_path: Path, variant: Variant) -> None:
    with start_service(variant(workers=8), tmp_path, profile={**PROFILE, "UVICORN_WORKERS": 1}) as service:
        assert service.health("/info").json()["workers"] == 1
        assert children(service.pid) == set()


def test_metrics_are_those_of_all(two: Running) -> None:
    for _ in range(30):
        assert two.ask("POST", "/echo", {}).status == 200
    lines = two.health("/metrics").body.decode().splitlines()
    assert "tried_done_total 30.0" in lines
    (requests,) = [line for line in lines if line.startswith("http_requests_total{") and "/echo" in line]
    assert requests.endswith(" 30.0")
    (count,) = [line for line in lines if line.startswith("http_request_seconds_count{") and "/echo" in line]
    assert count.endswith(" 30.0")
    healthy = [line for line in lines if line.startswith("service_healthy{")]
    assert sorted(healthy) == ['service_healthy{worker="0"} 1.0', 'service_healthy{worker="1"} 1.0']
    assert len([line for line in lines if line.startswith("# TYPE tried_done_total")]) == 1


def test_a_worker_that_dies_is_replaced_while_the_other_serves(two: Running) -> None:
    before = children(two.pid)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    two.wait_for_health(503, seconds=5)
    assert two.ask("GET", "/pid").json() in before - {victim}
    two.wait_for_health(seconds=15)
    after = children(two.pid)
    assert len(after) == 2 and len(after - before) == 1
    (line,) = [line for line in two.lines if line["message"] == "a worker has died and is replaced"]
    assert line["exit_code"] == -9


def test_a_blocked_worker_shows_within_two_seconds(two: Running) -> None:
    held = blocked(two, 1, 5)
    began = time.monotonic()
    health = two.health()
    assert time.monotonic() - began < 2
    assert health.status == 503
    (reason,) = health.json()["reasons"]
    assert reason["check"] == "loop" and reason["worker"] in ("0", "1")
    assert two.ask("GET", "/pid").status == 200, "the other one serves"
    assert two.wait_for_health(seconds=10).status == 200
    for sock in held:
        sock.close()


def test_a_stopped_process_shows_within_two_seconds(two: Running) -> None:
    victim = min(children(two.pid))
    os.kill(victim, signal.SIGSTOP)
    try:
        began = time.monotonic()
        health = two.health()
        assert time.monotonic() - began < 2.2
        assert [one["check"] for one in health.json()["reasons"]] == ["loop"]
    finally:
        os.kill(victim, signal.SIGCONT)
    assert two.wait_for_health(seconds=10).status == 200


def test_a_check_shows_for_each_worker(two: Running) -> None:
    unwell = two.surroundings.folder / "run" / "unwell"
    unwell.write_text("no disk")
    reasons = two.health().json()["reasons"]
    assert [(one["check"], one["reason"]) for one in reasons] == [("feels", "no disk")] * 2
    assert {one["worker"] for one in reasons} == {"0", "1"}


def test_all_stop_together(two: Running) -> None:
    workers = children(two.pid)
    began = time.monotonic()
    assert two.stop() == 0
    assert time.monotonic() - began < 5
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_ten_seconds_are_enough_for_blocked_workers(two: Running) -> None:
    held = blocked(two, 2, 60)
    began = time.monotonic()
    two.stop()
    assert time.monotonic() - began < 10
    for sock in held:
        sock.close()


def test_workers_do_not_outlive_their_parent(two: Running) -> None:
    workers = children(two.pid)
    os.kill(two.pid, signal.SIGKILL)
    ends_at = time.monotonic() + 10
    while any(running(pid) for pid in workers):
        assert time.monotonic() < ends_at, "a worker lives on"
        time.sleep(0.1)


def running(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_a_service_that_cannot_start_ends_the_parent(tmp_path: Path, variant: Variant) -> None:
    one = Running(Surroundings(variant(workers=2, entry="tried:nothing"), tmp_path / "home"))
    try:
        one.start(healthy=False)
        assert one.process is not None
        assert one.process.wait(20) == 2
        assert any("tried has no function nothing" in line["message"] for line in one.lines)
    finally:
        one.kill()
