"""Server-sent events from outside: in order, resumed without a gap, and never held in memory for who does not read."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import Running, start_service

TRIED = Path(__file__).parent / "apps" / "Tried"


class Client:
    """Reads a stream's events as (event, id, data)."""

    def __init__(self, service: Running, last: str = "") -> None:
        self.sock = socket.create_connection(("127.0.0.1", service.port), 10)
        more = f"Last-Event-ID: {last}\r\n" if last else ""
        self.sock.sendall(f"GET /events HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode())
        self.file = self.sock.makefile("rb")
        self.status = int(self.file.readline().split()[1])

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.sock.close()

    def events(self) -> Iterator[tuple[str, str, Any]]:
        fields: dict[str, str] = {}
        for line in self.file:
            name, _, value = line.decode().rstrip("\r\n").partition(": ")
            if name in ("id", "event", "data"):
                fields[name] = value
            elif not name and "data" in fields:
                yield fields.get("event", ""), fields.get("id", ""), json.loads(fields["data"])
                fields = {}

    def ids(self, count: int) -> list[str]:
        found = self.events()
        return [next(found)[1] for _ in range(count)]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    with start_service(TRIED, tmp_path) as running:
        yield running


def test_a_snapshot_and_then_everything_in_order(service: Running) -> None:
    service.ask("POST", "/events?times=3")
    with Client(service) as client:
        found = client.events()
        assert next(found) == ("snapshot", "3", {"sent": 3})
        service.ask("POST", "/events?times=5")
        assert [next(found) for _ in range(5)] == [("told", str(number), "x") for number in range(4, 9)]


def test_a_client_resumes_without_gap_or_repetition(service: Running) -> None:
    service.ask("POST", "/events?times=6")
    with Client(service, last="3") as client:
        service.ask("POST", "/events?times=2")
        assert client.ids(5) == ["4", "5", "6", "7", "8"]


def test_who_comes_too_late_gets_a_snapshot(service: Running) -> None:
    service.ask("POST", "/events?times=30")  # ten are kept
    for last in ("5", "999", "nonsense"):
        with Client(service, last=last) as client:
            assert next(client.events()) == ("snapshot", "30", {"sent": 30})


def test_a_client_that_does_not_read_is_cut_and_costs_little(service: Running) -> None:
    with Client(service) as slow, Client(service) as quick:
        quick.ids(1)
        before = resident_kb(service.pid)
        for _ in range(40):  # 80 MB, of which the slow client takes nothing
            service.ask("POST", "/events?times=2&size=1000000", timeout=30)
            quick.ids(2)
        grown = resident_kb(service.pid) - before
        assert grown < 40_000, f"{grown} kB"  # some twenty events may wait, and sockets have buffers
        ends_at = time.monotonic() + 30
        while "takes nothing: cut" not in service.log and time.monotonic() < ends_at:
            time.sleep(0.2)
        assert "takes nothing: cut" in service.log
        slow.sock.settimeout(10)
        with pytest.raises((OSError, StopIteration)):
            found = slow.events()
            while True:
                next(found)
    assert service.health().status == 200


def test_there_is_an_end_to_how_many_may_listen(service: Running) -> None:
    clients = [Client(service) for _ in range(100)]
    try:
        for client in clients:
            client.ids(1)
        answer = service.ask("GET", "/events")
        assert answer.status == 503 and answer.headers["Retry-After"] == "10"
    finally:
        for client in clients:
            client.__exit__()
    ends_at = time.monotonic() + 10
    status = 0
    while status != 200 and time.monotonic() < ends_at:
        with Client(service) as client:
            status = client.status
    assert status == 200, "who has gone makes room"


def resident_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])
