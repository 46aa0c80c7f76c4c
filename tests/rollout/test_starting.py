"""Starting what the compose file says: what is written down of it, and which failures are the gate's to tell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rollout.engine import Recorded, container

from dockwright.errors import CommandFailed
from dockwright.rollout import starting
from dockwright.rollout.place import Place
from dockwright.rollout.starting import start

ALPHA = container("dockwright-alpha")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "rollout")
    made.prepare()
    return made


@pytest.fixture
def engine(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path, [ALPHA])


def said(_: str) -> None:
    """What is said meanwhile is not what these tests are about."""


def test_compose_reads_the_file_of_this_place(engine: Recorded, place: Place) -> None:
    engine.will_compose()
    start(engine.docker, place, said)
    assert engine.words == [f"compose --file {place.compose} --progress plain up --detach --remove-orphans"]


@pytest.mark.parametrize(
    ("then", "changed"),
    [
        ([ALPHA], False),
        ([ALPHA, container("dockwright-beta")], True),
        ([], True),
        ([{**ALPHA, "Id": "b" * 64}], True),
        ([container("dockwright-alpha", StartedAt="2026-11-24T19:00:00Z")], True),
    ],
    ids=["nothing", "a-new-one", "one-less", "made-again", "started-again"],
)
def test_it_says_whether_there_was_anything_to_do(
    engine: Recorded, place: Place, then: list[dict[str, object]], changed: bool
) -> None:
    engine.will_compose(then=then)
    assert start(engine.docker, place, said) is changed


def test_bodies_are_approved_of_instances_and_not_of_the_filter(engine: Recorded, place: Place) -> None:
    guard = container("dockwright-docker-filter")
    guard["Config"]["Labels"]["io.dockwright.role"] = "filter"
    place.write_bodies({"dockwright-long-gone": {}})
    engine.will_compose(then=[ALPHA, guard])
    start(engine.docker, place, said)
    (written,) = place.bodies.iterdir()
    assert written.name == "dockwright-alpha.json"
    assert json.loads(written.read_text())["Image"] == ALPHA["Config"]["Image"]


@pytest.mark.parametrize(
    "line",
    [
        "dependency failed to start: container dockwright-alpha is unhealthy",
        "dependency failed to start: container dockwright-alpha exited (1)",
    ],
)
def test_a_dependency_that_fails_is_left_to_the_gate(engine: Recorded, place: Place, line: str) -> None:
    engine.will_compose(f"Container dockwright-alpha  Error\n{line}\n", 1, then=[ALPHA])
    start(engine.docker, place, said)
    assert [path.name for path in place.bodies.iterdir()] == ["dockwright-alpha.json"]


def test_what_waits_for_ever_is_left_to_the_gate(
    engine: Recorded, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "PATIENCE", 0.2)
    engine.will_compose(then=[ALPHA])
    script = engine.docker.program.read_text()
    engine.docker.program.write_text(script.replace("cat compose.out", "exec sleep 600"))
    assert start(engine.docker, place, said) is False


def test_any_other_failure_is_told_with_its_last_lines(engine: Recorded, place: Place) -> None:
    lines = [f"step {number}" for number in range(20)] + ["no space left on device"]
    engine.will_compose("\n".join(lines) + "\n", 1)
    with pytest.raises(CommandFailed, match="could not start the fleet") as raised:
        start(engine.docker, place, said)
    assert raised.value.output.splitlines() == lines[-15:]
    assert not list(place.bodies.iterdir()), "nothing is approved of what did not start"


def test_an_engine_that_is_not_the_tools_own_is_never_started_anew(engine: Recorded, place: Place) -> None:
    engine.will_compose("Bind for 127.0.0.1:7200 failed: port is already allocated\n", 1)
    with pytest.raises(CommandFailed) as raised:
        start(engine.docker, place, said)
    assert "port is already allocated" in raised.value.output
    assert len(engine.words) == 1
