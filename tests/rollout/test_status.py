"""Desired against seen: the table of tests/cases/rollout/status.toml, and one look at real health ports."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rollout.engine import Recorded, container
from rollout.listeners import answer, listener, says

from dockwright.cli import shown
from dockwright.rollout import facts, status

CASES = tomllib.loads((Path(__file__).parents[1] / "cases" / "rollout" / "status.toml").read_text())["case"]
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LABELS = {
    "io.dockwright.role": "instance",
    "io.dockwright.service": "Alpha",
    "io.dockwright.machine": "mainpc",
    "org.opencontainers.image.revision": "59b51f84018bb1c7c1cdc27540fcfbff72a5bfb3",
}
WANTED = {
    "service": "Alpha",
    "machine": "mainpc",
    "container": "dockwright-alpha",
    "port": 7001,
    "health_port": 8001,
    "start_seconds": 20,
    "image_digest": "sha256:aaaa",
    "tag": "20261124-59b51f84018b-mainpc",
}


def seen(name: str = "dockwright-alpha", **changes: Any) -> facts.Container:
    given: dict[str, Any] = {
        "state": "running",
        "exit_code": 0,
        "since": "2026-11-24T11:00:00.123456789Z",
        "image": "sha256:aaaa",
        "labels": LABELS,
        "restarts": 0,
        "inspected": {"Config": {"Image": "registry.invalid/alpha:tag"}, "State": {}},
    }
    return facts.Container(name, **{**given, **changes})


def judge(containers: list[facts.Container], health: dict[str, facts.Health], **wanted: Any) -> status.Status:
    desired = {"machine": "mainpc", "instances": [{**WANTED, **wanted}], "left_out": [{"why": "another machine's"}]}
    return status.judge(desired, {each.name: each for each in containers}, health, {}, NOON)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"].replace(" ", "-"))
def test_case(case: dict[str, Any]) -> None:
    changes, health = case.get("container", {}), case.get("health")
    containers = [] if changes is False else [seen(**changes)]
    answers = {"Alpha": facts.Health(health == "ok", "" if health == "ok" else health)} if health else {}
    found = judge(containers, answers, **case.get("wanted", {}))
    (row,) = found.rows
    assert {key: value for key, value in row.as_json().items() if key in case["expected"]} == case["expected"]
    assert found.well is case["well"]
    assert found.healthy == (row.state == "healthy")


HEALTHY = {"Alpha": facts.Health(True, "")}


def test_an_instance_that_nobody_wants_is_shown_and_is_not_well() -> None:
    beta = seen("dockwright-beta", labels={**LABELS, "io.dockwright.service": "Beta", "io.dockwright.machine": "pc2"})
    found = judge([seen(), beta], HEALTHY)
    extra = found.rows[1]
    assert (extra.service, extra.machine, extra.state, extra.desired, extra.running) == (
        "Beta", "pc2", "extra", False, True,
    )  # fmt: skip
    assert "the next ./dockwright up or deploy removes it" in extra.reason
    assert (found.healthy, found.well) == (1, False)


@pytest.mark.parametrize(
    ("state", "health", "problem"),
    [
        ("running", "healthy", ""),
        ("running", "starting", ""),
        ("running", "unhealthy", "does not answer"),
        ("exited", "unhealthy", "does not run"),
        ("", "", "does not run"),
    ],
)
def test_the_filter_is_no_instance_and_what_is_wrong_with_it_is_told(state: str, health: str, problem: str) -> None:
    guard = seen("dockwright-docker-filter", state=state, labels={"io.dockwright.role": "filter"})
    guard = replace(guard, inspected={"State": {"Health": {"Status": health}}})
    found = judge([seen(), *([guard] if state else [])], HEALTHY)
    assert len(found.rows) == 1
    assert (found.well, found.filter_problem) == (True, problem)


def test_what_could_not_be_kept_to_its_lock_is_told() -> None:
    labels = {**LABELS, "io.dockwright.not-as-locked": "debian-bookworm base-utils"}
    found = judge([seen(labels=labels)], HEALTHY)
    assert found.rows[0].not_as_locked == ("debian-bookworm", "base-utils")
    assert found.well
    assert next(iter(shown.unlocked(found))).startswith("debian-bookworm is not as locked in 1 instance; ")
    assert judge([seen()], HEALTHY).rows[0].not_as_locked == ()


def test_what_is_left_out_is_handed_on() -> None:
    assert judge([seen()], HEALTHY).left_out == ({"why": "another machine's"},)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24T11:00:00.123456789Z", datetime(2026, 11, 24, 11, 0, 0, 123456, UTC)),
        ("2026-11-24T11:00:00Z", datetime(2026, 11, 24, 11, tzinfo=UTC)),
        ("2026-11-24T11:00:00.5Z", datetime(2026, 11, 24, 11, 0, 0, 500000, UTC)),
        ("2026-11-24T12:00:00.5+01:00", datetime(2026, 11, 24, 11, 0, 0, 500000, UTC)),
        ("2026-11-24T12:00:00+01:00", datetime(2026, 11, 24, 11, tzinfo=UTC)),
    ],
)
def test_an_engines_time(text: str, expected: datetime) -> None:
    assert facts.moment(text) == expected


def test_one_look_at_the_engine_and_the_health_ports(tmp_path: Path) -> None:
    """Alpha is well, Beta is not, Gamma has ended and is not asked: somebody else may listen there by now."""
    image = container("x")["Image"]
    unwell = answer(503, {"status": "unhealthy", "reasons": [{"check": "disk", "reason": "full"}]})
    containers = [container("dockwright-alpha"), container("dockwright-beta")]
    containers.append(container("dockwright-gamma", Status="exited", ExitCode=3, FinishedAt="2026-11-24T19:00:00Z"))
    engine = Recorded(tmp_path, containers)
    asked: list[object] = []
    with (
        listener(says(answer(200))) as well,
        listener(says(unwell)) as broken,
        listener(lambda connection, _: asked.append(connection)) as others,
    ):
        ports = {"Alpha": well, "Beta": broken, "Gamma": others}
        rows = [
            {
                **WANTED,
                "service": name,
                "container": f"dockwright-{name.lower()}",
                "health_port": port,
                "image_digest": image,
            }
            for name, port in ports.items()
        ]
        found = status.read(facts.containers(engine.docker), {"machine": "mainpc", "instances": rows}, "127.0.0.1", {})
    assert [(row.service, row.state, row.reason) for row in found.rows] == [
        ("Alpha", "healthy", ""),
        ("Beta", "unhealthy", "disk: full"),
        ("Gamma", "stopped", "its container is exited, exit code 3"),
    ]
    assert not asked
    assert found.rows[2].since == "2026-11-24T19:00:00Z", "of what has ended, when it ended"
