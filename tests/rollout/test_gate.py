"""The gate: real health ports that turn healthy later, or never, and what is told of those."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from rollout.engine import Recorded, container
from rollout.listeners import answer, free_port, in_turn, listener, says

from dockwright.rollout import gate

WELL = answer(200, {"status": "ok"})
UNWELL = answer(503, {"status": "unhealthy", "reasons": [{"check": "disk", "reason": "full"}]})


def row(name: str, port: int, seconds: float) -> dict[str, Any]:
    return {
        "service": name,
        "container": f"dockwright-{name.lower()}",
        "health_port": port,
        "start_seconds": seconds,
    }


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "LOOK", 0.02)


def wait(engine: Recorded, *rows: dict[str, Any]) -> tuple[list[gate.Failure], list[str]]:
    """The failures, and what was said meanwhile."""
    said: list[str] = []
    return gate.wait(engine.docker, list(rows), "127.0.0.1", said.append), said


def test_who_turns_healthy_in_time_passes(tmp_path: Path) -> None:
    with listener(in_turn(UNWELL, UNWELL, b"", WELL)) as late, listener(says(WELL)) as early:
        failures, said = wait(Recorded(tmp_path), row("Late", late, 30), row("Early", early, 30))
    assert failures == []
    assert said == ["  Early is healthy", "  Late is healthy"]


def test_who_is_healthy_is_not_asked_again(tmp_path: Path) -> None:
    """Healthy once is healthy here: what happens afterwards is the supervisor's."""
    with listener(in_turn(WELL, UNWELL)) as once, listener(in_turn(*[UNWELL] * 5, WELL)) as late:
        failures, said = wait(Recorded(tmp_path), row("Once", once, 30), row("Late", late, 30))
    assert (failures, len(said)) == ([], 2)


def test_who_never_is_healthy_fails_with_the_reason_and_the_last_lines(tmp_path: Path) -> None:
    engine = Recorded(tmp_path, [container("dockwright-alpha")])
    engine.wrote("dockwright-alpha", "it begins\n", "the disk is full\n")
    with listener(says(UNWELL)) as port:
        (failure,), said = wait(engine, row("Alpha", port, 0.2))
    assert failure == gate.Failure("Alpha", "not healthy after 0.2 s: disk: full", ("it begins", "the disk is full"))
    assert said == []
    assert engine.words == ["logs --tail 12 dockwright-alpha"]


def test_it_waits_as_long_as_was_declared(tmp_path: Path) -> None:
    engine = Recorded(tmp_path)
    began = time.monotonic()
    wait(engine, row("Alpha", free_port(), 0.5))
    assert time.monotonic() - began > 0.5


def test_one_that_fails_does_not_cut_the_others_short(tmp_path: Path) -> None:
    engine = Recorded(tmp_path)
    with listener(in_turn(*[UNWELL] * 8, WELL)) as slow, listener(says(UNWELL)) as never:
        failures, said = wait(engine, row("Never", never, 0.01), row("Slow", slow, 30))
    assert [failure.service for failure in failures] == ["Never"]
    assert said == ["  Slow is healthy"]


def test_a_container_that_has_ended_says_how(tmp_path: Path) -> None:
    engine = Recorded(tmp_path, [container("dockwright-alpha", Status="exited", ExitCode=3)])
    engine.wrote("dockwright-alpha", "Traceback\n")
    (failure,), _ = wait(engine, row("Alpha", free_port(), 0.1))
    assert failure == gate.Failure("Alpha", "its container is exited, exit code 3", ("Traceback",))


@pytest.mark.parametrize(
    ("guard", "problem"),
    [
        ({"Health": {"Status": "unhealthy"}}, "does not answer"),
        ({"Status": "restarting"}, "does not run"),
    ],
)
def test_a_supervisor_that_waits_for_its_filter_tells_of_that(
    tmp_path: Path, guard: dict[str, Any], problem: str
) -> None:
    name = "dockwright-selfhealingsupervisor"
    engine = Recorded(tmp_path, [container(name, Status="created"), container("dockwright-docker-filter", **guard)])
    engine.wrote("dockwright-docker-filter", "Permission denied\n")
    (failure,), _ = wait(engine, row("SelfHealingSupervisor", free_port(), 0.1))
    said = f"its container was not started: dockwright-docker-filter, before it, {problem}"
    assert failure == gate.Failure("SelfHealingSupervisor", said, ("Permission denied",))


def test_a_container_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    (failure,), _ = wait(Recorded(tmp_path), row("Alpha", free_port(), 0.1))
    assert failure == gate.Failure("Alpha", "its container is gone", ())


def test_where_all_is_well_the_engine_is_not_asked(tmp_path: Path) -> None:
    engine = Recorded(tmp_path)
    engine.docker.program.unlink()
    assert wait(engine) == ([], [])
    with listener(says(WELL)) as port:
        assert wait(engine, row("Alpha", port, 30)) == ([], ["  Alpha is healthy"])
