"""ServiceRegistry from outside: its own process, real sockets, a real disk."""

from __future__ import annotations

import json
import logging
import socket
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from http.client import HTTPException
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from openapi import made
from registry_model import wish as kept_wish
from running import SERVICES, Answer, Running, start_service
from service_registry.core.registration import Registration
from service_registry.core.registry import MOST
from service_registry.store import Store
from sse_client import Watch


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for the tests that need nothing of their own; each registers names of its own."""
    with start_service("ServiceRegistry", tmp_path_factory.mktemp("registry")) as running:
        yield running


def wish(service: str, machine: str = "mainpc", **more: Any) -> dict[str, Any]:
    return {
        "service": service,
        "machine": machine,
        "url": "http://alpha:7000",
        "health_url": "http://alpha:8000",
        "capabilities": ["Web", "CPU", "CPU"],
        "lease_seconds": 60,
        "metadata": {"model": "small", "slots": 4},
    } | more


def register(registry: Running, service: str, machine: str = "mainpc", **more: Any) -> dict[str, Any]:
    answer = registry.ask("POST", "/v1/registrations", wish(service, machine, **more))
    assert answer.status == 201, answer.body
    found: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"/v1/registrations/{found['id']}"
    return found


def renew(registry: Running, id: str) -> Answer:
    return registry.ask("PUT", f"/v1/registrations/{id}/lease")


def listed(registry: Running, query: str = "") -> list[dict[str, Any]]:
    answer = registry.ask("GET", f"/v1/registrations{query}", token=False)
    assert answer.status == 200
    found: list[dict[str, Any]] = answer.json()["registrations"]
    return found


def test_its_api_is_written_down() -> None:
    assert (SERVICES / "ServiceRegistry" / "openapi.json").read_text() == made(SERVICES / "ServiceRegistry")


def test_a_registration_lives_from_its_first_request_to_its_last(registry: Running) -> None:
    made = register(registry, "Life")
    assert made["capabilities"] == ["CPU", "Web"]
    assert made["metadata"] == {"model": "small", "slots": 4}
    assert (made["lease_seconds"], made["late"]) == (60, False)
    assert listed(registry, "?service=Life")[0]["id"] == made["id"]
    renewed = renew(registry, made["id"])
    assert renewed.status == 200
    assert renewed.json()["expires_at"] > made["expires_at"]
    gone = registry.ask("DELETE", f"/v1/registrations/{made['id']}")
    assert (gone.status, gone.body) == (204, b"")
    assert listed(registry, "?service=Life") == []
    for method, path in (("PUT", "/lease"), ("DELETE", ""), ("GET", "")):
        answer = registry.ask(method, f"/v1/registrations/{made['id']}{path}")
        assert (answer.status, answer.headers.get_content_type()) == (404, "application/problem+json")


def test_a_new_registration_takes_the_place_of_the_old(registry: Running) -> None:
    old = register(registry, "Replaced", url="http://old:1")
    new = register(registry, "Replaced", url="http://new:1")
    assert [(one["id"], one["url"]) for one in listed(registry, "?service=Replaced")] == [(new["id"], "http://new:1")]
    assert renew(registry, old["id"]).status == 404
    assert registry.ask("DELETE", f"/v1/registrations/{old['id']}").status == 404
    assert renew(registry, new["id"]).status == 200


def test_look_ups(registry: Running) -> None:
    register(registry, "LookA", "mainpc", capabilities=["look", "GPU"])
    register(registry, "LookA", "pc2", capabilities=["look"])
    register(registry, "LookB", "pc2", capabilities=["look", "GPU"])

    def found(query: str) -> list[tuple[str, str]]:
        return [(one["service"], one["machine"]) for one in listed(registry, f"?capability=look{query}")]

    assert found("") == [("LookA", "mainpc"), ("LookA", "pc2"), ("LookB", "pc2")]
    assert found("&service=LookA") == [("LookA", "mainpc"), ("LookA", "pc2")]
    assert found("&machine=pc2") == [("LookA", "pc2"), ("LookB", "pc2")]
    assert found("&capability=GPU") == [("LookA", "mainpc"), ("LookB", "pc2")]
    assert found("&capability=GPU&machine=pc2&service=LookA") == []
    assert listed(registry, "?service=Nobody") == []


def test_candidates_begin_with_the_preferred_machine(registry: Running) -> None:
    for machine in ("mainpc", "pc2", "pc3"):
        register(registry, "Chosen", machine, capabilities=["CPU"] if machine == "pc3" else [])

    def machines(query: str) -> list[str]:
        answer = registry.ask("GET", f"/v1/services/Chosen{query}", token=False)
        return [one["machine"] for one in answer.json()["candidates"]]

    assert machines("") == ["mainpc", "pc2", "pc3"]
    assert machines("?machine=pc2") == ["pc2", "mainpc", "pc3"]
    assert machines("?machine=elsewhere") == ["mainpc", "pc2", "pc3"]
    assert machines("?machine=mainpc&capability=CPU") == ["pc3"]
    assert registry.ask("GET", "/v1/services/Nobody").status == 404
    assert registry.ask("GET", "/v1/services/Chosen?capability=GPU").status == 404


def test_changes_need_the_token(registry: Running) -> None:
    id = register(registry, "Guarded")["id"]
    for method, path, body in (
        ("POST", "/v1/registrations", wish("Guarded")),
        ("PUT", f"/v1/registrations/{id}/lease", None),
        ("DELETE", f"/v1/registrations/{id}", None),
    ):
        answer = registry.ask(method, path, body, token=False)
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert registry.ask(method, path, body, token=False, headers={"Authorization": "Bearer no"}).status == 401
    assert [one["id"] for one in listed(registry, "?service=Guarded")] == [id]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 8000, 400),
        (b'{"metadata":' + b'{"a":' * 2000 + b"1" + b"}" * 2001, 400),
        (b'{"metadata":' + b'{"a":' * 200 + b"1" + b"}" * 201, 422),
        (b"null", 422),
        ([], 422),
        ({}, 422),
        (wish("Bad", url="http://alpha:7000\r\nX: y"), 422),
        (wish("Bad", url="ftp://alpha"), 422),
        (wish("Bad", health_url="http://user:word@alpha:1"), 422),
        (wish("Bad", lease_seconds=0), 422),
        (wish("Bad", lease_seconds=10**400), 422),
        (wish("Bad", metadata={"x": float("nan")}), 422),
        (wish("Bad", metadata={"x": "\x00"}), 422),
        (wish("Bad", metadata={"x": "y" * 3000}), 422),
        (wish("Bad\ud800"), 400),
        (wish("Bad", capabilities=["x"] * 33), 422),
        (wish("Bad", metadata={"x": "y" * 20_000}), 413),
    ],
)
def test_what_cannot_be_registered_is_a_problem(registry: Running, body: Any, status: int) -> None:
    answer = registry.ask("POST", "/v1/registrations", body)
    assert (answer.status, answer.headers.get_content_type()) == (status, "application/problem+json"), answer.body
    assert listed(registry, "?service=Bad") == []


@pytest.mark.parametrize(
    "path",
    [
        "/v1/registrations?service=a",
        "/v1/registrations?machine=..%2F",
        "/v1/registrations?capability=%0A",
        "/v1/registrations?" + "&".join(["capability=x"] * 9),
        "/v1/registrations/short",
        "/v1/services/lower",
        "/v1/services/Upper?machine=%20",
        "/v1/watch?service=lower",
    ],
)
def test_questions_that_make_no_sense_are_problems(registry: Running, path: str) -> None:
    answer = registry.ask("GET", path)
    assert (answer.status, answer.headers.get_content_type()) == (422, "application/problem+json")


def test_who_stops_renewing_disappears_and_who_renews_stays(registry: Running) -> None:
    renewing = register(registry, "Stays", lease_seconds=4)
    silent = register(registry, "Goes", lease_seconds=2)
    began = time.monotonic()
    with Watch(registry.url, query="?service=Goes") as watch:
        assert watch.next().ids == [silent["id"]]
        while time.monotonic() - began < 4.5:
            assert renew(registry, renewing["id"]).status == 200
            time.sleep(0.3)
        assert registry.ask("GET", f"/v1/registrations/{silent['id']}").status == 404
        assert registry.ask("GET", "/v1/services/Goes").status == 404
        assert renew(registry, silent["id"]).status == 404
        assert (watch.next().event, watch.known) == ("expired", {})
    assert listed(registry, "?service=Goes") == []


def test_expiry_is_told_when_it_happens_though_nobody_asks(registry: Running) -> None:
    with Watch(registry.url, query="?service=Alone") as watch:
        watch.next()
        id = register(registry, "Alone", lease_seconds=1)["id"]
        began = time.monotonic()
        heard = watch.until(id, "expired")
        assert 0.5 < time.monotonic() - began < 10
        assert heard.data["registration"]["service"] == "Alone"


def test_a_late_one_is_tried_last(registry: Running) -> None:
    register(registry, "Tardy", "mainpc", lease_seconds=6)
    register(registry, "Tardy", "pc2", lease_seconds=3600)
    seen: list[list[tuple[str, bool]]] = []
    while not seen or len(seen[-1]) == 2:
        found = registry.ask("GET", "/v1/services/Tardy?machine=mainpc").json()["candidates"]
        seen.append([(one["machine"], one["late"]) for one in found])
        time.sleep(0.1)
    in_time, late = [("mainpc", False), ("pc2", False)], [("pc2", False), ("mainpc", True)]
    assert [state for state, _ in groupby(seen)] == [in_time, late, [("pc2", False)]]


def test_a_watcher_resumes_where_it_was(registry: Running) -> None:
    before = register(registry, "Seen", "before")["id"]
    with Watch(registry.url, query="?service=Seen") as watch:
        assert watch.status == 200
        first = watch.next()
        assert (first.event, first.ids) == ("snapshot", [before])
        during = register(registry, "Seen", "during")["id"]
        told = watch.next()
        assert (told.event, told.ids, told.data["instead_of"]) == ("registered", [during], None)
    again = register(registry, "Seen", "during")["id"]
    registry.ask("DELETE", f"/v1/registrations/{before}")
    register(registry, "NotLookedFor")
    with Watch(registry.url, told.id, "?service=Seen", known=watch.known) as watch:
        missed = [watch.next(), watch.next()]
        assert [(one.event, one.ids) for one in missed] == [("registered", [again]), ("deregistered", [before])]
        assert missed[0].data["instead_of"] == during
        assert set(watch.known) == {again}
    for nonsense in ("", "x", "0-0", told.id + "0000", "é".encode().decode("latin-1"), "a" * 150):
        with Watch(registry.url, nonsense, "?service=Seen") as watch:
            assert (watch.next().event, set(watch.known)) == ("snapshot", {again})


def test_a_watcher_who_was_away_for_too_long_gets_everything_anew(registry: Running) -> None:
    with Watch(registry.url, query="?service=Busy") as watch:
        last = watch.next().id
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: register(registry, "Busy"), range(1030)))
    with Watch(registry.url, last, "?service=Busy") as watch:
        assert watch.next().event == "snapshot"
        assert list(watch.known) == [one["id"] for one in listed(registry, "?service=Busy")]


def test_watchers_know_what_is_so_after_a_turmoil(registry: Running) -> None:
    def churn(machine: str) -> None:
        for turn in range(15):
            made = register(registry, "Turmoil", machine, capabilities=["GPU"] if turn % 2 else [])
            assert renew(registry, made["id"]).status == 200
            if turn % 3 == 0:
                assert registry.ask("DELETE", f"/v1/registrations/{made['id']}").status == 204

    with Watch(registry.url) as all_of, Watch(registry.url, query="?capability=GPU&service=Turmoil") as some:
        all_of.next(), some.next()
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(churn, [f"machine{number}" for number in range(6)]))
        last = register(registry, "Turmoil", "last", capabilities=["GPU"])["id"]
        all_of.until(last, "registered"), some.until(last, "registered")
        truth = {one["id"] for one in listed(registry, "?service=Turmoil")}
        assert {id for id, one in all_of.known.items() if one["service"] == "Turmoil"} == truth
        assert set(some.known) == {one["id"] for one in listed(registry, "?service=Turmoil&capability=GPU")}


def metric(registry: Running, name: str) -> float:
    lines = registry.health("/metrics").body.decode().splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} "))


def test_metrics_and_facts(tmp_path: Path) -> None:
    with start_service("ServiceRegistry", tmp_path) as registry:
        id = register(registry, "Counted")["id"]
        register(registry, "Counted")
        register(registry, "Counted", "pc2", lease_seconds=1)
        renew(registry, id)
        with Watch(registry.url) as watch:
            watch.next()
            assert metric(registry, "registry_watchers") == 1
            while "pc2" in {one["machine"] for one in watch.known.values()}:
                watch.next()
        assert metric(registry, "registry_registrations") == 1
        assert metric(registry, 'registry_registered_total{kind="new"}') == 2
        assert metric(registry, 'registry_registered_total{kind="replaced"}') == 1
        assert metric(registry, 'registry_renewals_total{outcome="unknown"}') == 1
        assert metric(registry, "registry_expired_total") == 1
        assert metric(registry, "registry_kept") == 1
        info = registry.health("/info").json()
        assert (info["most_registrations"], info["kept_registrations"]) == (MOST, 0)


def test_registrations_outlive_a_kill(tmp_path: Path) -> None:
    with start_service("ServiceRegistry", tmp_path) as registry:
        living = register(registry, "Living", lease_seconds=5)
        dead = register(registry, "Dead", lease_seconds=5)
        gone = register(registry, "Gone")
        registry.ask("DELETE", f"/v1/registrations/{gone['id']}")
        with Watch(registry.url) as watch:
            last = watch.next().id
        registry.kill()
        time.sleep(5.2)  # longer than the leases: nobody could renew
        registry.start()
        assert {one["id"] for one in listed(registry)} == {living["id"], dead["id"]}
        assert registry.health("/info").json()["kept_registrations"] == 2
        renewed = renew(registry, living["id"])
        assert renewed.status == 200
        unchanging = ("service", "url", "health_url", "capabilities", "metadata", "lease_seconds", "registered_at")
        assert {key: renewed.json()[key] for key in unchanging} == {key: living[key] for key in unchanging}
        with Watch(registry.url, last) as watch:
            assert watch.next().event == "snapshot", "another life, other numbers"
            assert set(watch.known) == {living["id"], dead["id"]}
            for _ in range(50):
                if dead["id"] not in watch.known:
                    break
                assert renew(registry, living["id"]).status == 200
                time.sleep(0.2)
                if registry.ask("GET", f"/v1/registrations/{dead['id']}").status == 404:
                    watch.until(dead["id"], "expired")
            assert set(watch.known) == {living["id"]}


def renewed(registry: Running, name: str) -> None:
    """Waits for a renewal by whoever registered."""

    def left() -> float:
        told = registry.ask("GET", f"/v1/registrations/{name}").json()["expires_at"]
        return datetime.fromisoformat(told).timestamp()

    before, patience = left(), time.monotonic() + 60
    while left() < before + 1:
        assert time.monotonic() < patience, "it does not renew"
        time.sleep(0.1)


def test_a_service_of_the_fleet_registers_by_itself(tmp_path: Path) -> None:
    """The service is a second registry; the kit registers it like any other."""
    with (
        start_service("ServiceRegistry", tmp_path / "first") as registry,
        Watch(registry.url) as watch,
        start_service(
            "ServiceRegistry",
            tmp_path / "second",
            machine="pc2",
            peers={"ServiceRegistry": registry.peer},
            secrets={"fleet-token": registry.token},
        ) as other,
    ):
        watch.snapshot()
        told = watch.next()
        assert (told.event, told.data["registration"]["machine"]) == ("registered", "pc2")
        (found,) = registry.ask("GET", "/v1/services/ServiceRegistry").json()["candidates"]
        assert found["id"] == told.ids[0]
        assert (found["url"], found["health_url"]) == (other.url, other.health_url)
        renewed(registry, found["id"])  # The answer with the id has arrived: it can be taken back by that id.
        registry.kill()
        registry.start()
        with Watch(registry.url) as again:
            assert again.next().ids == [found["id"]]
            assert other.stop() == 0
            assert again.next().event == "deregistered"


def test_restarts_again_and_again_do_not_keep_the_dead_alive(tmp_path: Path) -> None:
    with start_service("ServiceRegistry", tmp_path) as registry:
        id = register(registry, "Dead", lease_seconds=40)["id"]
        left = []
        for _ in range(4):
            registry.kill()
            registry.start()
            found = registry.ask("GET", f"/v1/registrations/{id}")
            left.append(found.json()["late"])
        assert left == [False, False, True, True], "its graces halve"


def test_what_was_answered_is_so_after_a_kill_in_full_flight(tmp_path: Path) -> None:
    with start_service("ServiceRegistry", tmp_path) as registry:
        there: list[str] = []
        gone: list[str] = []

        def churn(machine: str) -> None:
            for number in range(1000):
                try:
                    id = register(registry, f"S{number}", machine)["id"]
                    if number % 2:
                        there.append(id)
                    elif registry.ask("DELETE", f"/v1/registrations/{id}").status == 204:
                        gone.append(id)
                except (OSError, HTTPException):
                    return

        with ThreadPoolExecutor(4) as pool:
            for number in range(4):
                pool.submit(churn, f"m{number}")
            while len(gone) < 40:
                time.sleep(0.01)
            registry.kill()
        registry.start()
        found = {one["id"] for one in listed(registry)}
        assert found >= set(there)
        assert not found & set(gone)


def fill(folder: Path) -> list[Registration]:
    """A state folder with as many registrations as are allowed, each as large as is allowed."""
    state = folder / "ServiceRegistry" / "state"
    state.mkdir(parents=True)
    store = Store(state / "registrations.sqlite", logging.getLogger("test"))
    large = replace(
        kept_wish(lease=3600, capabilities=tuple(f"{number:02}{'c' * 62}" for number in range(32))),
        url="http://alpha:7000/" + "u" * 280,
        health_url="http://alpha:8000/" + "u" * 280,
        metadata={"text": "m" * 2000},
    )
    many = [replace(large, machine=f"m{number:0>99}", id=f"{number:032x}") for number in range(MOST)]
    store.write({one.key: one for one in many})
    store.close()
    return many


def test_a_full_registry_says_so_and_still_replaces(tmp_path: Path) -> None:
    many = fill(tmp_path)
    with start_service("ServiceRegistry", tmp_path) as registry:
        assert len(listed(registry)) == MOST
        refused = registry.ask("POST", "/v1/registrations", wish("OneMore"))
        assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
        assert register(registry, "Alpha", many[0].machine)["id"] != many[0].id
        registry.ask("DELETE", f"/v1/registrations/{many[1].id}")
        register(registry, "OneMore")


def peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def test_many_who_read_slowly_do_not_fill_the_memory(tmp_path: Path) -> None:
    many = fill(tmp_path)
    with start_service("ServiceRegistry", tmp_path) as registry, ExitStack() as stack:
        for path in ["/v1/watch"] * 99 + ["/v1/registrations"] * 100:
            slow = stack.enter_context(socket.socket())
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect(("127.0.0.1", registry.port))
            slow.sendall(f"GET {path} HTTP/1.1\r\nHost: registry\r\n\r\n".encode())
            assert slow.recv(12) == b"HTTP/1.1 200"  # and takes no more
        quick = stack.enter_context(Watch(registry.url))
        parts = quick.snapshot()
        assert max(len(json.dumps(part.data)) for part in parts) < 64 * 1024
        assert len(parts) < MOST / 2
        assert set(quick.known) == {one.id for one in many}
        assert len(listed(registry)) == MOST
        registry.ask("DELETE", f"/v1/registrations/{many[0].id}")
        quick.until(many[0].id, "deregistered")
        declared = tomllib.loads((SERVICES / "ServiceRegistry" / "service.toml").read_text())
        assert peak_mb(registry.pid) < declared["memory_mb"]


def test_a_disk_that_refuses_shows_in_health_and_hinders_nobody(tmp_path: Path) -> None:
    file = tmp_path / "ServiceRegistry" / "state" / "registrations.sqlite"
    file.mkdir(parents=True)
    with start_service("ServiceRegistry", tmp_path, healthy=False) as registry:
        while "disk" not in [one["check"] for one in registry.wait_for_health(503).json()["reasons"]]:
            time.sleep(0.05)
        id = register(registry, "Anyway")["id"]
        assert renew(registry, id).status == 200
        file.rmdir()
        registry.wait_for_health(200)
        registry.kill()
        registry.start()
        assert [one["id"] for one in listed(registry)] == [id]


def test_it_stops_in_good_order_while_somebody_watches(tmp_path: Path) -> None:
    with start_service("ServiceRegistry", tmp_path) as registry, Watch(registry.url) as watch:
        id = register(registry, "Kept")["id"]
        watch.until(id, "registered")
        assert registry.stop() == 0
        with pytest.raises(EOFError):
            watch.next()
        registry.start()
        assert [one["id"] for one in listed(registry)] == [id]
