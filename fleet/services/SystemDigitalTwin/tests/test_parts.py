"""The twin's parts one by one: what it reads, what it makes of it, how it words what differs."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from system_digital_twin import views
from system_digital_twin.declared import FILE_BYTES, Box, DeclaredFile
from system_digital_twin.drift import drift
from system_digital_twin.measures import Measures
from system_digital_twin.report import parse, samples
from system_digital_twin.sight import STALE, Sight, State
from system_digital_twin.turns import WAITING, TooMany, Turns
from system_digital_twin.twin import Twin
from twin_cases import MAINPC, PC2, answer, card, declared, desired, instance, report, seen, use


def put(folder: Path, content: Any) -> DeclaredFile:
    path = folder / "desired.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return DeclaredFile(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "EOF"),
        ("[]", "object"),
        ("{}", "machine: Field required"),
        ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "expected value"),
        ("[" * 100_000, "recursion"),
        ({**desired(), "instances": [instance("Hub", "mainpc", 7100)] * 2}, "an instance is named twice"),
        ({**desired(), "instances": [instance("Eyes", "pc2", 7100)]}, "an instance is named twice"),
        ({**desired(), "instances": [instance("Hub", "pc3", 7100)]}, "machines that are not declared: pc3"),
        ({**desired(), "instances": [instance("not a name", "pc2", 7100)]}, "instances.0.service"),
        ({**desired(), "instances": [instance("Hub", "pc2", 0)]}, "instances.0.port"),
        ({**desired(), "instances": [instance("Hub", "pc2", 1, memory_mb=-1)]}, "instances.0.memory_mb"),
        (json.dumps({**desired(), "instances": [instance("Hub", "pc2", 1, cpus=float("inf"))]}), "instances.0.cpus"),
        ({**desired(), "machines": {"pc2": {"memory_mb": "much"}}}, "machines.pc2.memory_mb"),
        (" " * (FILE_BYTES + 1), "too large"),
    ],
)
def test_a_desired_file_that_could_mislead_is_not_read(tmp_path: Path, content: Any, says: str) -> None:
    file = put(tmp_path, content)
    file.read()
    assert file.content is None
    assert says in file.problem


def test_a_desired_file_of_a_newer_tool_is_read(tmp_path: Path) -> None:
    row = {**instance("Hub", "mainpc", 7100), "unheard": {}, "image": "x:y"}
    file = put(tmp_path, {**desired(), "instances": [row], "unheard": 1})
    file.read()
    assert file.content is not None
    assert file.content.on("mainpc")[0].port == 7100


def test_a_desired_file_is_parsed_once_per_change(tmp_path: Path) -> None:
    file = put(tmp_path, desired())
    file.read()
    first = file.content
    file.read()
    assert file.content is first


def test_the_last_good_desired_file_is_kept(tmp_path: Path) -> None:
    file = put(tmp_path, desired())
    file.read()
    good = file.content
    file.path.write_text("{")
    file.read()
    assert file.content is good
    assert file.problem.startswith("desired.json: ")
    file.path.write_text(json.dumps(desired(instances=[])))
    file.read()
    assert file.problem == ""
    assert file.content is not None
    assert file.content.instances == ()


def test_silence_about_another_machine_is_no_empty_machine() -> None:
    assert [declared().tells_of(name) for name in ("mainpc", "pc2")] == [True, True]
    assert [declared(elsewhere=None).tells_of(name) for name in ("mainpc", "pc2")] == [True, False]


@pytest.mark.parametrize(
    "wrong",
    [
        {"machine": "mainpc"},
        {"machine": "not a machine"},
        {"cpu": {"count": 0, "busy_pct": 1.0}},
        {"cpu": {"count": 8, "busy_pct": float("nan")}},
        {"memory": {"total_mb": 10}},
        {"disk": None},
        {"gpus": "none"},
        {"gpus": [card()] * 65},
        {"instances": [use("Hub", memory_mb=float("inf"))]},
        {"instances": [use("not a name")]},
        {"instances": [use("Hub")] * 501},
    ],
)
def test_an_answer_that_makes_no_sense_is_no_answer(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"it says|is not a machine's"):
        parse(answer(**wrong), "pc2")


@pytest.mark.parametrize("said", [None, [], "ok", 7, {}])
def test_something_else_is_no_answer(said: Any) -> None:
    with pytest.raises(ValueError, match="is not a machine's"):
        parse(said, "pc2")


def test_a_supervisor_that_does_not_know_its_machine_yet_is_heard() -> None:
    assert parse(answer(machine=""), "pc2").memory.used_mb == 8000


def test_samples_are_what_is_known_of_what_is_declared() -> None:
    found = samples(report(instances=[use("Hub"), use("Stranger")]), frozenset({"Hub"}))
    assert found == {
        "cpu_busy_pct": 25.0,
        "memory_used_mb": 8000.0,
        "disk_used_mb": 300_000.0,
        "gpu0_memory_used_mb": 1000.0,
        "gpu0_busy_pct": 12.0,
        "gpu0_temperature_c": 51.0,
        "Hub.memory_mb": 300.5,
        "Hub.cpu_pct": 4.0,
    }
    dark = samples(report(gpus=None, gpus_reason="no driver", cpu={"count": 8, "busy_pct": None}), frozenset())
    assert dark == {"memory_used_mb": 8000.0, "disk_used_mb": 300_000.0}


def test_a_sight_says_since_when_and_why() -> None:
    sight = Sight("pc2", 100.0)
    assert (sight.state, sight.state_since, sight.reason) == (
        State.SILENT,
        100.0,
        "pc2 does not answer: not asked yet",
    )
    sight.answered(report(), 0.1)
    assert (sight.state, sight.reason) == (State.LIVE, "")
    began = sight.state_since
    sight.answered(report(), 0.1)
    assert sight.state_since == began


def test_a_sight_that_is_lost_tells_of_now_for_a_while_only() -> None:
    sight = seen()
    sight.since = 5.0
    sight.missed("connection refused")
    lost = sight.state_since
    assert lost > 5.0
    assert (sight.state, sight.reason, sight.fresh) == (State.SILENT, "", sight.report)
    sight.missed("no answer within 4 s")
    assert sight.state_since == lost
    sight.heard = time.monotonic() - STALE - 1
    assert (sight.reason, sight.fresh) == ("pc2 does not answer: no answer within 4 s", None)
    assert sight.report is not None


def test_a_question_that_hangs_is_silence_since_the_last_answer() -> None:
    sight = seen()
    sight.since = 5.0
    sight.heard = time.monotonic() - STALE - 1
    assert sight.state is State.SILENT
    assert sight.state_since == sight.received
    assert sight.reason == "pc2 does not answer: the answer is late"


def test_where_a_machine_is_not_as_declared() -> None:
    box = Box.model_validate(PC2)
    assert drift("pc2", box, report()) == []
    assert drift("pc2", Box.model_validate(MAINPC), report()) == [
        "pc2: 65,536 MB of memory declared, 32,000 seen",
        "pc2: 32 CPUs declared, 8 seen",
        "pc2: RTX 4090 declared, NVIDIA GeForce RTX 3060 seen",
        "pc2: 24,564 MB of GPU memory declared, 12,288 seen",
    ]
    for total, differs in ((29_492, False), (29_000, True), (36_000, False), (37_000, True)):
        found = drift("pc2", box, report(memory={"total_mb": total, "available_mb": 0}))
        assert bool(found) is differs, total
    assert drift("pc2", box, report(gpus=[])) == ["pc2: RTX 3060 declared, no card seen"]
    assert drift("pc2", box, report(gpus=None, gpus_reason="no driver")) == []
    assert drift("pc2", None, report()) == drift("pc2", box, None) == []


def test_of_a_crowd_one_works_few_wait_and_the_rest_are_sent_away() -> None:
    async def crowd(many: int) -> tuple[int, int, int]:
        turns, working, most, away = Turns(), 0, 0, 0

        async def come() -> None:
            nonlocal working, most, away
            try:
                async with turns.turn():
                    working += 1
                    most = max(most, working)
                    await asyncio.sleep(0)
                    working -= 1
            except TooMany:
                away += 1

        await asyncio.gather(*(come() for _ in range(many)))
        await come()
        return most, away, working

    assert asyncio.run(crowd(WAITING + 1)) == (1, 0, 0)
    assert asyncio.run(crowd(WAITING + 6)) == (1, 5, 0)


def twin(folder: Path, **content: Any) -> Twin:
    folder.mkdir(exist_ok=True)
    (folder / "desired.json").write_text(json.dumps(desired(**content)))
    found = Twin(["pc2"], folder, folder)
    found.file.read()
    found.history.open()
    return found


def test_a_machine_with_its_declaration_its_answer_and_both_of_each_instance(tmp_path: Path) -> None:
    found = twin(tmp_path)
    found.heard("pc2", report(instances=[use("Eyes", memory_mb=3500.0), use("Stranger")]), 0.1)
    view = views.machine(found, "pc2")
    assert (view.state, view.why, view.complete) == (State.LIVE, "", True)
    assert view.claimed.model_dump() == {"instances": 2, "memory_mb": 5000, "gpu_memory_mb": 6000, "cpus": 2.0}
    assert [(one.service, one.desired, one.running, one.memory_used_mb) for one in view.instances] == [
        ("Eyes", True, True, 3500.0),
        ("Hub", True, False, None),
        ("Stranger", False, True, 300.5),
    ]
    other = views.machine(found, "mainpc")
    assert (other.state, other.live) == (State.NO_ADDRESS, None)
    assert other.why == "no SelfHealingSupervisor is declared there as a peer"
    assert {one.running for one in other.instances} == {None}
    assert found.warnings() == [f"mainpc: no_address: {other.why}"]


def test_a_sum_with_a_part_that_nobody_told_is_unknown(tmp_path: Path) -> None:
    rows = [instance("Hub", "mainpc", 1), {"service": "Ears", "machine": "mainpc", "memory_mb": 5}]
    view = views.machine(twin(tmp_path, instances=rows), "mainpc")
    assert view.claimed.model_dump() == {"instances": 2, "memory_mb": 1005, "gpu_memory_mb": None, "cpus": None}


def test_metrics_leave_out_what_is_not_known(tmp_path: Path) -> None:
    found = twin(tmp_path)
    registry = CollectorRegistry()
    registry.register(Measures(found))
    dark = generate_latest(registry).decode()
    assert 'twin_machine_live{about="pc2"} 0.0' in dark
    assert 'twin_claimed_gpu_memory_mb{about="mainpc"} 18000.0' in dark
    assert "twin_memory_used_mb{" not in dark
    found.heard("pc2", report(gpus=[card(0, 500), card(1, 600)]), 0.1)
    seen_now = generate_latest(registry).decode()
    assert 'twin_machine_live{about="pc2"} 1.0' in seen_now
    assert 'twin_memory_used_mb{about="pc2"} 8000.0' in seen_now
    assert 'twin_gpu_memory_used_mb{about="pc2",card="1"} 600.0' in seen_now
    assert 'twin_questions_total{about="pc2"} 1.0' in seen_now
