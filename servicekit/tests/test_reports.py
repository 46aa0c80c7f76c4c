"""What an instance tells its peers: at once when they are there, after all when they come late, and politely."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from running import SBOM, Running, Surroundings, free_ports, start_service

TRIED = Path(__file__).parent / "apps" / "Tried"


class World:
    """A peer that notes what it is told; `answers` may be changed by a test: (method, path's start) -> status, JSON."""

    def __init__(self) -> None:
        self.port = free_ports(1)[0]
        self.seen: list[tuple[str, str, Any, str]] = []
        self.answers: dict[tuple[str, str], tuple[int, Any]] = {
            ("POST", "/v1/startups"): (202, {"sbom_wanted": False}),
            ("PUT", "/v1/sboms/"): (204, None),
            ("POST", "/v1/registrations"): (201, {"id": "r/1", "lease_seconds": 3}),
            ("PUT", "/v1/registrations/"): (200, {"id": "r/1", "lease_seconds": 3}),
            ("DELETE", "/v1/registrations/"): (204, None),
            ("POST", "/v1/errors"): (202, {"accepted": 1}),
        }
        self._server: ThreadingHTTPServer | None = None

    @property
    def peers(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}"
        names = ("UnifiedObservabilityCenter", "ServiceRegistry", "CentralErrorBus")
        return {name: {"mainpc": {"url": url, "health_url": url}} for name in names}

    def open(self) -> None:
        world = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                told = json.loads(body) if body else None
                world.seen.append((self.command, self.path, told, self.headers.get("Authorization", "")))
                fitting = [
                    found
                    for (method, start), found in world.answers.items()
                    if method == self.command and self.path.startswith(start)
                ]
                status, answer = fitting[-1] if fitting else (404, None)
                raw = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the library's names

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def told(self, method: str, start: str) -> list[Any]:
        return [body for verb, path, body, _ in self.seen if verb == method and path.startswith(start)]


def eventually(holds: Callable[[], Any], seconds: float = 20.0) -> None:
    ends_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends_at, "it did not come to that"
        time.sleep(0.05)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    made.open()
    yield made
    made.close()


def test_a_start_is_told_with_all_that_proves_its_origin(tmp_path: Path, world: World) -> None:
    world.answers["POST", "/v1/startups"] = (202, {"sbom_wanted": True})
    with start_service(TRIED, tmp_path, peers=world.peers) as service:
        eventually(lambda: world.told("PUT", "/v1/sboms/"))
        (startup,) = world.told("POST", "/v1/startups")
        digest = "sha256:" + hashlib.sha256(json.dumps(SBOM).encode()).hexdigest()
        assert startup["service"] == "Tried" and startup["machine"] == "mainpc" and startup["git_sha"] == "0" * 40
        assert startup["sbom_digest"] == digest == service.health("/info").json()["sbom_digest"]
        assert startup["profile"]["OMP_NUM_THREADS"] == 1 and startup["port"] == service.port
        assert startup["started_at"] == service.health().json()["started_at"]
        assert world.told("PUT", f"/v1/sboms/{digest}") == [SBOM]
        assert all(token == f"Bearer {service.token}" for *_, token in world.seen)


def test_an_sbom_that_is_known_is_not_sent(tmp_path: Path, world: World) -> None:
    with start_service(TRIED, tmp_path, peers=world.peers):
        eventually(lambda: world.told("PUT", "/v1/registrations/"))
        assert len(world.told("POST", "/v1/startups")) == 1
        assert world.told("PUT", "/v1/sboms/") == []


def test_peers_that_come_late_are_told_after_all_and_hold_nothing_up(tmp_path: Path) -> None:
    world = World()
    began = time.monotonic()
    with start_service(TRIED, tmp_path, peers=world.peers) as service:
        assert time.monotonic() - began < 10
        service.ask("GET", "/bad/report?times=3")
        time.sleep(3)
        warned = [line for line in service.lines if "not brought" in line["message"]]
        assert len(warned) == 3, "one line each, not one for each try"
        world.open()
        try:
            eventually(lambda: world.told("POST", "/v1/startups"))
            eventually(lambda: world.told("POST", "/v1/registrations"))
            eventually(lambda: sum(map(len, world.told("POST", "/v1/errors"))) == 3)
            assert len(world.told("POST", "/v1/startups")) == 1
        finally:
            world.close()


def test_a_peer_that_refuses_is_asked_again(tmp_path: Path, world: World) -> None:
    world.answers["POST", "/v1/startups"] = (500, None)
    with start_service(TRIED, tmp_path, peers=world.peers) as service:
        eventually(lambda: len(world.told("POST", "/v1/startups")) >= 2)
        world.answers["POST", "/v1/startups"] = (202, {"sbom_wanted": False})
        eventually(lambda: "brought after all" in service.log)


@pytest.mark.parametrize("answer", [[], "text", {"id": 7}, {"id": ""}, None])
def test_nonsense_from_a_peer_harms_nobody(tmp_path: Path, world: World, answer: Any) -> None:
    world.answers["POST", "/v1/startups"] = (202, answer)
    world.answers["POST", "/v1/registrations"] = (201, answer)
    with start_service(TRIED, tmp_path, peers=world.peers) as service:
        eventually(lambda: len(world.told("POST", "/v1/registrations")) >= 2)
        assert service.health().status == 200
        assert service.stop() == 0


def test_a_registration_is_renewed_replaced_and_taken_back(tmp_path: Path, world: World) -> None:
    with start_service(TRIED, tmp_path, peers=world.peers) as service:
        eventually(lambda: len(world.told("PUT", "/v1/registrations/r%2F1/lease")) >= 2)
        (registration,) = world.told("POST", "/v1/registrations")
        assert registration["service"] == "Tried" and registration["machine"] == "mainpc"
        assert registration["url"] == service.url and registration["health_url"] == service.health_url
        assert registration["capabilities"] == ["trying"] and registration["lease_seconds"] == 15
        world.answers["PUT", "/v1/registrations/"] = (404, None)
        eventually(lambda: len(world.told("POST", "/v1/registrations")) >= 2)
        began = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < 5
        assert world.told("DELETE", "/v1/registrations/r%2F1") == [None]


def test_the_url_that_peers_use_is_registered(tmp_path: Path, world: World) -> None:
    own = {"mainpc": {"url": "http://tried.example:1", "health_url": "http://tried.example:2"}}
    with start_service(TRIED, tmp_path, peers={**world.peers, "Tried": own}):
        eventually(lambda: world.told("POST", "/v1/registrations"))
        assert world.told("POST", "/v1/registrations")[0]["url"] == "http://tried.example:1"


def test_unexpected_exceptions_reach_the_error_bus(tmp_path: Path, world: World) -> None:
    with start_service(TRIED, tmp_path, peers=world.peers) as service:
        service.ask("GET", "/bad/fail?word=here%00".replace("%00", "%ED%A0%80"))
        service.ask("GET", "/bad/task")
        eventually(lambda: sum(map(len, world.told("POST", "/v1/errors"))) >= 2)
        errors = [one for batch in world.told("POST", "/v1/errors") for one in batch]
        request, task = errors
        assert request["kind"] == "RuntimeError" and request["message"].endswith("at 10.0.0.7")
        assert request["context"] == {"method": "GET", "path": "/bad/fail"}
        assert request["trace"].startswith("Traceback") and request["level"] == "error"
        assert request["service"] == "Tried" and request["machine"] == "mainpc"
        assert task["message"] == "nobody awaits this"


def test_a_flood_of_errors_is_bounded(tmp_path: Path, world: World) -> None:
    with start_service(TRIED, tmp_path, peers=world.peers) as service:
        service.ask("GET", "/bad/report?times=5000")
        eventually(lambda: sum(map(len, world.told("POST", "/v1/errors"))) >= 150)
        time.sleep(1)
        sent = [len(batch) for batch in world.told("POST", "/v1/errors")]
        assert sum(sent) <= 260 and max(sent) <= 50
        metrics = service.health("/metrics").body.decode()
        (lost,) = [line.split()[1] for line in metrics.splitlines() if line.startswith("error_reports_lost_total ")]
        assert float(lost) + sum(sent) == 5000, "none is lost without being counted"


def test_an_error_that_is_sent_again_keeps_its_id(tmp_path: Path, world: World) -> None:
    world.answers["POST", "/v1/errors"] = (503, None)
    with start_service(TRIED, tmp_path, peers=world.peers) as service:
        service.ask("GET", "/bad/report?times=1")
        eventually(lambda: len(world.told("POST", "/v1/errors")) >= 2)
        first, again = world.told("POST", "/v1/errors")[:2]
    assert first[0]["id"] == again[0]["id"] != ""


def test_what_the_bus_will_never_take_does_not_hold_up_the_rest(tmp_path: Path, world: World) -> None:
    world.answers["POST", "/v1/errors"] = (422, None)
    with start_service(TRIED, tmp_path, peers=world.peers) as service:
        service.ask("GET", "/bad/report?times=1")
        eventually(lambda: "not sent again" in service.log)
        world.answers["POST", "/v1/errors"] = (202, {"accepted": 1})
        service.ask("GET", "/bad/fail?word=next")
        eventually(lambda: world.told("POST", "/v1/errors")[-1][-1]["kind"] == "RuntimeError")
        assert len(world.told("POST", "/v1/errors")[-1]) == 1
        assert "error_reports_lost_total 1.0" in service.health("/metrics").body.decode()


def test_errors_of_the_last_moment_are_sent(tmp_path: Path, world: World) -> None:
    with start_service(TRIED, tmp_path, peers=world.peers) as service:
        service.ask("GET", "/bad/report?times=1")
        assert service.stop() == 0
    assert sum(map(len, world.told("POST", "/v1/errors"))) == 1


def test_a_start_that_fails_is_reported(tmp_path: Path, world: World, variant: Callable[..., Path]) -> None:
    copy = variant()
    (copy / "tried.py").write_text("raise RuntimeError('broken while it is imported')\n")
    one = Running(Surroundings(copy, tmp_path / "home", peers=world.peers))
    one.start(healthy=False)
    assert one.process is not None and one.process.wait(20) == 1
    ((error,),) = world.told("POST", "/v1/errors")
    assert error["message"] == "broken while it is imported" and error["context"] == {"when": "start"}


def test_a_worker_that_dies_is_reported(tmp_path: Path, world: World, variant: Callable[..., Path]) -> None:
    with start_service(variant(workers=2), tmp_path, peers=world.peers) as service:
        with contextlib.suppress(OSError, http.client.HTTPException):
            service.ask("GET", "/bad/leave")
        eventually(lambda: world.told("POST", "/v1/errors"))
        ((error,),) = world.told("POST", "/v1/errors")
        assert error["message"] == "a worker has died and is replaced" and error["context"]["exit_code"] == 7


def test_without_peers_nothing_is_sent_and_that_is_said_once(tmp_path: Path) -> None:
    with start_service(TRIED, tmp_path) as service:
        service.ask("GET", "/bad/report?times=10")
        time.sleep(1)
        said = [line["message"] for line in service.lines if "no declared peer" in line["message"]]
        assert sorted(said) == [
            "error reports are not sent: CentralErrorBus is no declared peer",
            "the registration is not sent: ServiceRegistry is no declared peer",
            "the startup report is not sent: UnifiedObservabilityCenter is no declared peer",
        ]
