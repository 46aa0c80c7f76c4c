"""What every service owes the fleet, held from outside: the health port, the token, bounds, problems, a quick end."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from openapi import folders, made
from running import Answer, Running, start_service

# Requests with a body that change nothing, and so ask for no token: (service, path).
READS = {("SystemDigitalTwin", "/v1/simulate")}
CHANGING = ("post", "put", "patch", "delete")
INFO = {"service", "machine", "family", "git_sha", "tag", "input_digest", "sbom_digest", "profile", "started_at"}


def is_problem(answer: Answer) -> dict[str, Any]:
    assert answer.headers["Content-Type"] == "application/problem+json", answer
    found: dict[str, Any] = answer.json()
    assert found["status"] == answer.status and found["type"] and found["title"] and found["detail"]
    return found


def declared(service: Running) -> dict[str, Any]:
    return tomllib.loads((service.surroundings.service / "service.toml").read_text())


def test_health(service: Running) -> None:
    health = service.health()
    name = declared(service)["name"]
    assert health.headers["Content-Type"] == "application/json"
    assert health.json()["service"] == name and health.json()["machine"] == "mainpc"
    if declared(service).get("docker"):  # there is no engine here, and it may say so
        assert {reason["check"] for reason in health.json().get("reasons", ())} <= {"engine"}
    else:
        assert health.status == 200 and health.json()["status"] == "ok", health.json()


def test_info(service: Running) -> None:
    info = service.health("/info").json()
    assert set(info) >= INFO | {"workers", "kit"}
    assert info["git_sha"] == "0" * 40 and info["sbom_digest"].startswith("sha256:")


def test_metrics(service: Running) -> None:
    service.ask("GET", "/openapi.json")
    metrics = service.health("/metrics")
    assert metrics.status == 200 and metrics.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = metrics.body.decode().splitlines()
    assert any(line.startswith("service_healthy") for line in lines)
    assert any(line.startswith("http_requests_total{") for line in lines)


def test_memory_at_rest(service: Running) -> None:
    """Half of the limit is for work."""
    rollup = Path(f"/proc/{service.pid}/smaps_rollup").read_text()
    pss_mb = int(rollup.split("Pss:")[1].split()[0]) / 1024
    assert pss_mb < declared(service)["memory_mb"] / 2, f"{pss_mb:.0f} MB"


def test_openapi_is_up_to_date(service: Running) -> None:
    folder = service.surroundings.service
    file = folder / "openapi.json"
    assert file.exists(), f"run: python tests/openapi.py {folder.name}"
    assert file.read_text() == made(folder), f"run: python tests/openapi.py {folder.name}"


def test_what_changes_state_asks_for_the_token(service: Running, operations: list[Any]) -> None:
    name = declared(service)["name"]
    open_ones = {one.path for one in operations if one.method in CHANGING and not one.guarded}
    assert open_ones == {path for reading, path in READS if reading == name}
    for one in operations:
        if one.guarded:
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {service.token}"}):
                body: dict[str, Any] | None = {} if one.body else None
                answer = service.ask(one.method.upper(), one.path, body, token=False, headers=headers)
                assert answer.status == 401, (one, headers, answer)
                assert answer.headers["WWW-Authenticate"] == "Bearer"
                is_problem(answer)


def test_bodies_are_bounded(service: Running, operations: list[Any]) -> None:
    most = declared(service).get("max_body_kb", 1024) * 1024
    for one in operations:
        if one.body:
            headers = {"Content-Type": one.body}
            answer = service.ask(one.method.upper(), one.path, b'"' + b"x" * most + b'"', headers=headers)
            assert answer.status == 413, (one, answer)
            is_problem(answer)


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[[[[", b'{"a":"\\ud800"}', b"[" * 5000])
def test_malformed_json_is_the_clients_fault(service: Running, operations: list[Any], body: bytes) -> None:
    for one in operations:
        if one.body == "application/json":
            answer = service.ask(one.method.upper(), one.path, body)
            assert 400 <= answer.status < 500, (one, answer)
            is_problem(answer)


def test_unknown_routes_are_problems(service: Running) -> None:
    for path in ("/no/such/thing", "/v1/%00", "/%ED%A0%80"):
        answer = service.ask("GET", path)
        assert answer.status in (400, 404)
        is_problem(answer)


def test_logs_are_one_object_a_line(service: Running) -> None:
    for line in service.lines:
        assert {"time", "level", "logger", "message", "service", "machine"} <= set(line)


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_it_starts_in_its_time_and_ends_on_sigterm(folder: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    run_files = {"desired.json": (Path(__file__).parent / "desired.json").read_text()}
    with start_service(folder, tmp_path, run_files=run_files) as running:
        assert time.monotonic() - began < declared(running)["start_seconds"]
        began = time.monotonic()
        assert running.stop() == 0, running.log
        assert time.monotonic() - began < 10
