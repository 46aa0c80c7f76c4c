"""The service from outside: its own process as in its image, before real small servers in place of instances."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from instance_double import SHA, TAG, Instance, desired
from prometheus_client.parser import text_string_to_metric_families
from running import Running, start_service

NAME = "UnifiedObservabilityCenter"
BOM = json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}).encode()
DIGEST = f"sha256:{hashlib.sha256(BOM).hexdigest()}"


def report(service: str, **more: Any) -> dict[str, Any]:
    facts = {"git_sha": SHA, "tag": TAG, "input_digest": "sha256:a", "sbom_digest": DIGEST, "family": "family-web"}
    place = {"service": service, "machine": "mainpc", "port": 7000, "health_port": 7001, "profile": {"A": 1}}
    return {**facts, **place, "started_at": datetime.now(UTC).isoformat(), **more}


def event(kind: str, service: str = "Alpha", at: float = 1_790_000_000, **detail: Any) -> dict[str, Any]:
    moment = datetime.fromtimestamp(at, UTC).isoformat()
    return {"kind": kind, "machine": "mainpc", "service": service, "at": moment, "detail": detail}


class Scene:
    def __init__(self, running: Running, instances: dict[str, Instance]) -> None:
        self.running = running
        self.instances = instances

    def desire(self, content: Any) -> None:
        path = self.running.surroundings.folder / "run" / "desired.json"
        part = path.with_suffix(".part")
        part.write_text(content if isinstance(content, str) else json.dumps(content))
        part.replace(path)

    def get(self, path: str) -> Any:
        found = self.running.ask("GET", path, token=False)
        assert found.status == 200, (found.status, found.body)
        return found.json()

    def instance(self, service: str) -> Any:
        return self.get(f"/v1/instances/mainpc/{service}")

    def state(self, service: str) -> str:
        return str(self.instance(service)["health"]["state"])

    def until(self, true: Callable[[], object], seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, self.get("/v1/instances")
            time.sleep(0.05)

    def metrics(self) -> dict[str, list[tuple[dict[str, str], float]]]:
        found = self.running.ask("GET", "/metrics", token=False)
        assert found.headers["Content-Type"].startswith("text/plain")
        return {
            family.name: [(sample.labels, sample.value) for sample in family.samples]
            for family in text_string_to_metric_families(found.body.decode())
        }


@contextmanager
def scene(folder: Path, *services: str, **more: Any) -> Iterator[Scene]:
    instances = {name: Instance(name) for name in services or ("Alpha", "Beta")}
    rows = [one.row() for one in instances.values()]
    content = desired(*rows, left_out=[{"service": "Gamma", "machine": "pc2", "why": "not implemented yet"}])
    try:
        with start_service(NAME, folder, run_files={"desired.json": content}, **more) as running:
            yield Scene(running, instances)
    finally:
        for one in instances.values():
            one.end()


def test_states_with_reasons_and_since_when(tmp_path: Path) -> None:
    with scene(tmp_path) as it:
        alpha = it.instances["Alpha"]
        it.until(lambda: it.state("Alpha") == it.state("Beta") == "healthy")
        alpha.answer = (503, {"status": "unhealthy", "reasons": [{"check": "disk", "reason": "full"}]})
        it.until(lambda: it.state("Alpha") == "unhealthy")
        assert it.instance("Alpha")["health"]["reasons"] == [{"check": "disk", "reason": "full"}]
        alpha.hang = True
        it.until(lambda: it.state("Alpha") == "silent")
        assert it.instance("Alpha")["health"]["reasons"] == [{"check": "answer", "reason": "no answer within 2.5 s"}]
        alpha.hang, alpha.answer = False, (200, {})
        it.until(lambda: it.state("Alpha") == "healthy")
        found = it.instance("Alpha")
        assert [(one["from"], one["to"]) for one in reversed(found["transitions"])] == [
            ("unknown", "healthy"),
            ("healthy", "unhealthy"),
            ("unhealthy", "silent"),
            ("silent", "healthy"),
        ]
        assert found["since"] == found["transitions"][0]["at"]
        assert found["transitions"][2]["why"] == "disk: full"
        every = it.get("/v1/transitions?service=Beta")["transitions"]
        assert [one["to"] for one in every] == ["healthy"]
        assert it.running.health().status == 200


def test_what_runs_is_held_against_what_was_released(tmp_path: Path) -> None:
    with scene(tmp_path, "Alpha", "Beta", "Gamma") as it:
        it.instances["Beta"].info |= {"git_sha": "b" * 40, "input_digest": "sha256:b"}
        it.instances["Gamma"].more["/info"] = (404, {})
        it.until(lambda: {it.instance(name)["match"] for name in ("Alpha", "Beta")} == {True, False})
        beta = it.instance("Beta")
        assert beta["mismatches"] == [
            {"what": "git_sha", "desired": SHA, "reported": "b" * 40},
            {"what": "input_digest", "desired": "sha256:a", "reported": "sha256:b"},
        ]
        assert it.instance("Gamma")["match"] == "unknown"
        it.running.ask("POST", "/v1/startups", report("Gamma", tag="20250101-0000000"))
        assert [one["what"] for one in it.instance("Gamma")["mismatches"]] == ["tag"]
        verdict = it.get("/v1/overview")["verdict"]
        assert verdict["notes"][-1] == "2 not as released: Beta, Gamma"


def test_all_is_kept_over_a_restart(tmp_path: Path) -> None:
    with scene(tmp_path) as it:
        running = it.running
        it.until(lambda: it.state("Alpha") == it.state("Beta") == "healthy")
        own = report("Alpha", started_at=datetime.fromtimestamp(it.instances["Alpha"].started_at, UTC).isoformat())
        assert running.ask("POST", "/v1/startups", own).json() == {"sbom_wanted": True}
        kept = running.ask("PUT", f"/v1/sboms/{DIGEST}", BOM, headers={"Content-Type": "application/json"})
        assert kept.status == 204
        assert running.ask("POST", "/v1/startups", own).json() == {"sbom_wanted": False}
        sent = [event("crashed"), event("restarted", why="ended with exit code 1"), event("healed", seconds=2.1)]
        assert running.ask("POST", "/v1/events", sent).json() == {"accepted": 3}
        it.until(lambda: it.get("/v1/transitions")["transitions"])
        before, since = it.get("/v1/transitions"), it.instance("Alpha")["since"]
        running.kill()  # no farewell: what was answered is on the disk
        running.start()
        it.until(lambda: it.state("Alpha") == it.state("Beta") == "healthy")
        assert it.get("/v1/transitions") == before, "nothing has changed while it was away"
        assert it.instance("Alpha")["since"] == since
        assert it.instance("Alpha")["restarts"] == 1
        assert [one["kind"] for one in it.get("/v1/events")["events"]] == ["healed", "restarted", "crashed"]
        found = running.ask("GET", f"/v1/sboms/{DIGEST}", token=False)
        assert (found.body, found.headers["Content-Type"]) == (BOM, "application/vnd.cyclonedx+json")
        assert it.instance("Alpha")["reported"]["sbom_kept"] is True
        assert running.ask("POST", "/v1/events", sent).json() == {"accepted": 3}
        assert len(it.get("/v1/events")["events"]) == 3, "the same events, sent again"
        story = it.get("/v1/overview")["incidents"][0]
        assert (story["what"], story["why"], story["outcome"], story["seconds"]) == (
            "crashed",
            "ended with exit code 1",
            "healed",
            2.1,
        )
        assert running.stop() == 0


def test_a_stopped_instance_while_the_observer_was_away_is_seen(tmp_path: Path) -> None:
    with scene(tmp_path) as it:
        it.until(lambda: it.state("Alpha") == it.state("Beta") == "healthy")
        assert it.running.stop() == 0
        it.instances["Alpha"].end()
        it.running.start()
        it.until(lambda: it.state("Alpha") == "silent")
        last = it.instance("Alpha")["transitions"]
        assert (last[0]["from"], last[0]["to"]) == ("healthy", "silent")


def test_prometheus_reads_the_fleet(tmp_path: Path) -> None:
    with scene(tmp_path) as it:
        it.instances["Beta"].end()
        it.until(lambda: it.instance("Alpha")["match"] is True and it.state("Beta") == "silent")
        it.running.ask("POST", "/v1/events", [event("restarted")])
        found = it.metrics()
        alpha = {"service": "Alpha", "machine": "mainpc", "family": "family-web", "phase": "core-infra"}
        beta = alpha | {"service": "Beta"}
        assert found["dockwright_instance_up"] == [(alpha, 1.0), (beta, 0.0)]
        assert found["dockwright_instance_healthy"] == [(alpha, 1.0), (beta, 0.0)]
        assert found["dockwright_instance_matches_release"] == [(alpha, 1.0)], "no sample where it cannot be told"
        assert (alpha, 1.0) in found["dockwright_instance_restarts"]
        assert (alpha | {"git_sha": SHA, "tag": TAG, "sbom_digest": ""}, 1.0) in found["dockwright_instance_info"]
        assert (alpha | {"state": "healthy"}, 1.0) in found["dockwright_instance_state"]
        assert found["dockwright_instances_left_out"] == [({"why": "not implemented yet"}, 1.0)]
        assert found["dockwright_instances_desired"] == [({}, 2.0)]
        runs = found["dockwright_instance_started_timestamp_seconds"]
        started = {labels["service"]: value for labels, value in runs}
        assert abs(started["Alpha"] - it.instances["Alpha"].started_at) < 0.01
        assert found["dockwright_instance_health_seconds"][0][1] < 30


def test_prometheus_is_told_where_to_scrape(tmp_path: Path) -> None:
    with scene(tmp_path) as it:
        answer = it.running.ask("GET", "/v1/prometheus/targets", token=False)
        assert answer.headers["Content-Type"] == "application/json"
        labels = {"service": "Alpha", "machine": "mainpc", "family": "family-web", "phase": "core-infra"}
        assert answer.json()[0] == {"targets": [f"127.0.0.1:{it.instances['Alpha'].port}"], "labels": labels}
        assert len(answer.json()) == 2


def test_who_reports_and_is_not_desired_is_extra(tmp_path: Path) -> None:
    with scene(tmp_path) as it:
        it.running.ask("POST", "/v1/startups", report("Stranger"))
        found = it.get("/v1/instances")
        assert [(one["service"], one["desired"], one["health"]) for one in found["extra"]] == [("Stranger", None, None)]
        assert found["left_out"] == [{"service": "Gamma", "machine": "pc2", "why": "not implemented yet"}]
        assert it.running.ask("GET", "/v1/instances/mainpc/Nobody", token=False).status == 404


def test_what_is_no_longer_desired_and_still_answers_is_extra_until_it_is_gone(tmp_path: Path) -> None:
    with scene(tmp_path) as it:
        it.until(lambda: it.state("Alpha") == it.state("Beta") == "healthy")
        it.running.ask("POST", "/v1/startups", report("Beta"))
        it.desire(desired(it.instances["Alpha"].row()))
        it.until(lambda: [one["service"] for one in it.get("/v1/instances")["extra"]] == ["Beta"])
        assert it.get("/v1/instances")["extra"][0]["health"]["state"] == "healthy"
        assert it.get("/v1/overview")["verdict"]["notes"] == ["1 not desired: Beta"]
        it.instances["Beta"].end()
        it.until(lambda: it.get("/v1/instances")["extra"] == [])


def test_a_broken_desired_file_keeps_the_last_good_one_and_shows_in_health(tmp_path: Path) -> None:
    with scene(tmp_path) as it:
        it.until(lambda: it.state("Alpha") == "healthy")
        it.desire("{")
        it.until(lambda: it.get("/v1/instances")["desired_problem"] != "")
        assert len(it.get("/v1/instances")["instances"]) == 2
        found = it.running.wait_for_health(503, 30)
        assert found.json()["reasons"][0]["check"] == "desired"
        it.desire(desired(it.instances["Alpha"].row()))
        it.running.wait_for_health(200, 30)
        assert len(it.get("/v1/instances")["instances"]) == 1


def test_what_changes_state_asks_for_the_token(tmp_path: Path) -> None:
    with scene(tmp_path) as it:
        for method, path, body in (
            ("POST", "/v1/startups", report("Alpha")),
            ("POST", "/v1/events", [event("crashed")]),
            ("PUT", f"/v1/sboms/{DIGEST}", BOM),
        ):
            for headers in ({}, {"Authorization": "Bearer wrong"}):
                found = it.running.ask(method, path, body, token=False, headers=headers)
                assert found.status == 401
                assert found.headers["WWW-Authenticate"] == "Bearer"
                assert found.headers["Content-Type"] == "application/problem+json"
        assert it.get("/v1/events")["events"] == []


MARKUP = "<img src=x onerror=alert(1)>\x1b[31m\r\n\u202e\"'\\"
HOSTILE = [
    ("POST", "/v1/startups", report("Alpha") | {"service": "../../etc"}, 422),
    ("POST", "/v1/startups", report("Alpha") | {"service": "Alpha\n"}, 422),
    ("POST", "/v1/startups", report("Alpha") | {"git_sha": "a" * 10_000}, 422),
    ("POST", "/v1/startups", report("Alpha") | {"sbom_digest": "sha256:" + "g" * 64}, 422),
    ("POST", "/v1/startups", report("Alpha") | {"started_at": "yesterday"}, 422),
    ("POST", "/v1/startups", b"[" * 50_000, 400),
    ("POST", "/v1/startups", b'{"service": "\\ud800"}', 400),
    ("POST", "/v1/events", [event("crashed")] * 501, 422),
    ("POST", "/v1/events", [], 422),
    ("POST", "/v1/events", [event("Crashed; DROP TABLE events")], 422),
    ("POST", "/v1/events", b"{" + b" " * 5_000_000 + b"}", 413),
    ("PUT", "/v1/sboms/sha256:..%2f..%2fetc%2fpasswd", BOM, 404),
    ("PUT", f"/v1/sboms/{DIGEST}", BOM + b" ", 422),
    ("PUT", "/v1/sboms/sha256:" + hashlib.sha256(b"{}").hexdigest(), b"{}", 422),
    ("GET", "/v1/events?limit=100000", None, 422),
    ("GET", "/v1/events?service='--", None, 422),
    ("GET", "/v1/events?cursor=99999999999999999999999", None, 422),
    ("GET", "/v1/sboms/sha256:" + "0" * 64, None, 404),
    ("GET", "/v1/sboms/x", None, 422),
    ("GET", "/page/../../service.toml", None, 404),
]


def test_hostile_input_is_refused_as_a_problem_and_leaves_no_mark(tmp_path: Path) -> None:
    with scene(tmp_path) as it:
        for method, path, body, status in HOSTILE:
            found = it.running.ask(method, path, body)
            assert found.status == status, (method, path, found.status, found.body[:200])
            assert found.headers["Content-Type"] == "application/problem+json"
        assert it.get("/v1/events")["events"] == []
        assert it.running.health().status == 200
        assert '"level": "error"' not in it.running.log.lower()


def test_hostile_texts_are_kept_as_harmless_ones(tmp_path: Path) -> None:
    with scene(tmp_path) as it:
        alpha = it.instances["Alpha"]
        alpha.answer = (503, {"reasons": [{"check": MARKUP, "reason": MARKUP * 1000}] * 500})
        alpha.info |= {"git_sha": MARKUP, "tag": "x" * 100_000}
        deep: Any = 1
        for _ in range(200):
            deep = [deep]
        details = {"why": MARKUP, "deep": deep, "long": "y" * 50_000, MARKUP: {"n": float("1e308")}}
        assert it.running.ask("POST", "/v1/startups", report("Alpha", profile={MARKUP: MARKUP})).status == 202
        assert it.running.ask("POST", "/v1/events", [event("crashed", **details)]).status == 202
        assert it.running.ask(
            "POST",
            "/v1/events",
            b'[{"kind":"odd","machine":"m","service":"Alpha",'
            b'"at":"2026-01-01T00:00:00Z","detail":{"a":NaN,"b":-Infinity,"c":1e999,"d":123456789012345678901234567890}}]',
        ).status in (202, 400)
        it.until(lambda: it.state("Alpha") == "unhealthy")
        for path in ("/v1/instances", "/v1/overview", "/v1/events", "/v1/transitions", "/v1/instances/mainpc/Alpha"):
            answer = it.running.ask("GET", path, token=False)
            assert answer.status == 200 and len(answer.body) < 60_000
            for text in texts(answer.json()):
                assert text.isprintable() and len(text) <= 2500
        assert len(it.instance("Alpha")["health"]["reasons"]) <= 8
        assert it.metrics()["dockwright_instance_healthy"][0][1] == 0.0
        assert it.running.health().status == 200


def texts(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict):
        for key, one in found.items():
            yield from (key, *texts(one))
    elif isinstance(found, list):
        for one in found:
            yield from texts(one)


def test_peers_that_are_not_there_slow_nothing_down(tmp_path: Path) -> None:
    gone = Instance("SystemDigitalTwin")
    gone.hang = True
    address = {"url": f"http://127.0.0.1:{gone.port}", "health_url": f"http://127.0.0.1:{gone.port}"}
    peers = {name: {"mainpc": address} for name in ("SystemDigitalTwin", "SelfHealingSupervisor", "CentralErrorBus")}
    try:
        with scene(tmp_path, peers=peers) as it:
            began = time.monotonic()
            for _ in range(20):
                it.get("/v1/overview")
            assert time.monotonic() - began < 25, "twenty answers, none of which waits for a peer"
            it.until(lambda: "no answer within" in it.get("/v1/overview")["machines"][0]["why"])
            assert "CentralErrorBus" in it.get("/v1/overview")["errors"]["why"]
    finally:
        gone.end()


def test_peers_that_are_there_are_shown(tmp_path: Path) -> None:
    peer = Instance("SelfHealingSupervisor")
    use = {"service": "Alpha", "memory_mb": 33.5}
    cpu, memory = {"count": 8, "busy_pct": 12.5}, {"total_mb": 10, "available_mb": 4}
    peer.more["/v1/machine"] = (200, {"cpu": cpu, "memory": memory, "gpus": [], "instances": [use]})
    peer.more["/v1/instances"] = (200, {"instances": [{"service": "Alpha", "state": "held", "hold": {"by": "stop"}}]})
    group = {"service": "Beta", "kind": "ValueError", "count": 3, "sample": {"level": "error", "message": MARKUP}}
    peer.more["/v1/groups"] = (200, {"groups": [group]})
    address = {"url": f"http://127.0.0.1:{peer.port}", "health_url": f"http://127.0.0.1:{peer.port}"}
    peers = {name: {"mainpc": address} for name in ("SelfHealingSupervisor", "CentralErrorBus")}
    try:
        with scene(tmp_path, peers=peers) as it:
            it.until(lambda: it.get("/v1/overview")["machines"][0]["cpu_busy_pct"] == 12.5)
            it.until(lambda: it.get("/v1/overview")["instances"][0]["care"] == "left alone: stopped by hand")
            found = it.get("/v1/overview")
            assert found["machines"][0]["memory_used_mb"] == 6
            assert found["instances"][0]["memory_used_mb"] == 33.5
            assert found["errors"]["groups"][0]["count"] == 3
    finally:
        peer.end()


def test_a_full_disk_is_said_and_passes(tmp_path: Path) -> None:
    if os.geteuid() != 0 or not Path("/proc/self/mountinfo").exists():
        pytest.skip("needs a file system of its own")
    with scene(tmp_path) as it:
        state = it.running.surroundings.folder / "state"
        assert it.running.stop() == 0
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(state)], capture_output=True)
        if made.returncode:
            pytest.skip(f"cannot mount: {made.stderr.decode().strip()}")
        try:
            it.running.start()
            filler = state / "filler"
            with pytest.raises(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 4096)
            found = it.running.ask("POST", "/v1/events", [event("crashed", text="x" * 400, n=n) for n in range(400)])
            assert found.status == 503
            assert found.headers["Retry-After"] == "5"
            reasons = it.running.wait_for_health(503).json()["reasons"]
            assert reasons[0]["check"] == "store" and "full" in reasons[0]["reason"]
            assert it.state("Alpha") in ("healthy", "unknown"), "what is seen is still told"
            filler.unlink()
            assert it.running.ask("POST", "/v1/events", [event("crashed")]).status == 202
            it.running.wait_for_health(200)
        finally:
            it.running.kill()
            subprocess.run(["umount", str(state)], check=True)
