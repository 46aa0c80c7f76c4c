"""The supervisor's parts one by one, without sockets."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import struct
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from self_healing_supervisor import host
from self_healing_supervisor.boots import Boots
from self_healing_supervisor.core.facts import Health, Shape
from self_healing_supervisor.core.memory import Breaker, Fault, Kind, Memory, State
from self_healing_supervisor.desired import DesiredFile, Wanted, parse
from self_healing_supervisor.docker import lines
from self_healing_supervisor.evidence import Evidence
from self_healing_supervisor.gpu import Nvml
from self_healing_supervisor.holds import SETTLE, Hold, Holds
from self_healing_supervisor.notes import notes
from self_healing_supervisor.probe import judge
from self_healing_supervisor.sight import Sight, moment
from self_healing_supervisor.stats import cpu_seconds, memory_mb
from self_healing_supervisor.telling import MOST, Telling
from self_healing_supervisor.world import World

ROW = {"service": "Alpha", "machine": "mainpc", "container": "dockwright-alpha", "health_port": 8000}


def desired(*rows: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"machine": "mainpc", "instances": list(rows), **more}).encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        desired(ROW, ROW),
        desired({**ROW, "service": "not a name"}),
        desired({**ROW, "container": "somebody-elses"}),
        desired({**ROW, "container": "dockwright-../x"}),
        desired({**ROW, "health_port": 0}),
        desired({**ROW, "health_port": "8000"}),
        desired({**ROW, "depends": "Beta"}),
        desired({key: value for key, value in ROW.items() if key != "machine"}),
        desired(*({**ROW, "service": f"A{number}"} for number in range(600))),
    ],
)
def test_a_desired_file_that_could_mislead_is_not_read(raw: bytes) -> None:
    with pytest.raises(ValueError):
        parse(raw)


def test_a_desired_file_of_a_newer_tool_is_read() -> None:
    row = {**ROW, "depends": ["mainpc/Beta", "Gamma"], "start_seconds": 120, "unheard": {}}
    found = parse(desired(row, written_at="2026-11-24T12:00:00+00:00", left_out=[], unheard=1))
    assert found.written_at == 1795521600.0
    assert found.instances == (
        Wanted("Alpha", "mainpc", "dockwright-alpha", 8000, depends=("Beta", "Gamma"), boot_seconds=120.0),
    )


def test_a_desired_file_is_read_once_per_change(tmp_path: Path) -> None:
    file = DesiredFile(tmp_path / "desired.json")
    assert file.read_if_changed() is None
    assert "No such file" in file.problem
    file.path.write_bytes(desired(ROW))
    assert file.read_if_changed() is not None
    assert file.read_if_changed() is None
    assert file.problem == ""
    file.path.write_bytes(b"{")
    assert file.read_if_changed() is None
    assert file.problem


@given(st.lists(st.binary(max_size=300)), st.integers(10, 500))
def test_log_frames_come_out_whole_and_bounded(frames: list[bytes], most: int) -> None:
    raw = b"".join(struct.pack(">BxxxI", 1, len(frame)) + frame for frame in frames)
    whole = b"".join(frames)
    found = lines(raw, most)
    assert len("\n".join(found)) <= most
    if len(whole) <= most:
        assert found == whole.decode("utf-8", "replace").splitlines()


@given(st.binary(max_size=200))
def test_log_frames_that_are_broken_do_no_harm(raw: bytes) -> None:
    lines(raw, 100)


@pytest.mark.parametrize(
    ("status", "body", "health", "detail"),
    [
        (200, b"{}", Health.WELL, "ok"),
        (503, b'{"reasons": ["a peer is lost", "b"]}', Health.UNWELL, "a peer is lost; b"),
        (503, b'{"reasons": [{"check": "peer"}]}', Health.UNWELL, '{"check": "peer"}'),
        (503, b"not json", Health.UNWELL, "HTTP 503"),
        (503, b"[" * 5000, Health.UNWELL, "HTTP 503"),
        (404, b"", Health.UNWELL, "HTTP 404"),
        (500, b'{"reasons": 7}', Health.UNWELL, "HTTP 500"),
    ],
)
def test_health_answers(status: int, body: bytes, health: Health, detail: str) -> None:
    reply = judge(1.0, status, body)
    assert (reply.health, reply.detail) == (health, detail)


def test_holds_outlive_the_supervisor_but_a_fresh_stop_does_not(tmp_path: Path) -> None:
    holds = Holds(tmp_path / "holds.json")
    holds.load()
    holds.put("Alpha", Hold("work on it", "api", 100.0, 200.0))
    holds.put("Beta", Hold("stopped", "stop", 100.0))
    written = holds.unwritten(101.0)
    assert written is not None
    holds.save(written)
    again = Holds(tmp_path / "holds.json")
    again.load()
    assert set(again.all()) == {"Alpha"}, "a stop as old as this may be the engine's own end"
    settled = holds.unwritten(100.0 + SETTLE)
    assert settled is not None
    holds.save(settled)
    assert holds.unwritten(100.0 + SETTLE) is None
    again.load()
    assert set(again.all()) == {"Alpha", "Beta"}
    assert again.expired(199.0) == []
    assert again.expired(200.0) == ["Alpha"]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"Alpha": 1}', '{"Alpha": {"x": 1}}', "null"])
def test_files_of_state_that_are_broken_hold_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "holds.json").write_text(content)
    holds, boots = Holds(tmp_path / "holds.json"), Boots(tmp_path / "holds.json")
    holds.load()
    boots.load()
    assert holds.all() == {}
    assert boots.deadline("Alpha", None, 60.0) == 60.0


def test_a_start_may_take_what_earlier_ones_took(tmp_path: Path) -> None:
    boots = Boots(tmp_path / "boots.json")
    for seconds in (300.0, 50.0, 40.0):
        boots.took("Alpha", seconds)
    boots.save()
    again = Boots(tmp_path / "boots.json")
    again.load()
    assert again.deadline("Alpha", 20.0, 60.0) == 600.0
    assert again.deadline("Beta", 20.0, 60.0) == 20.0
    for _ in range(5):
        again.took("Alpha", 5.0)
    assert again.deadline("Alpha", 20.0, 60.0) == 20.0


def record(evidence: Evidence, at: float, service: str = "Alpha") -> dict[str, Any]:
    return {"id": evidence.new_id(service.lower(), at), "service": service, "logs": ["x"], "kind": "crashed"}


def test_evidence_is_bounded_and_listed_newest_first(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path / "evidence", most=3)
    evidence.load()
    for number in range(5):
        evidence.keep(record(evidence, 1e9 + number, "Alpha" if number % 2 else "Beta"))
    assert len(list((tmp_path / "evidence").iterdir())) == 3
    again = Evidence(tmp_path / "evidence", most=3)
    again.load()
    heads = again.heads(None, 10)
    assert [head["id"][:19] for head in heads] == sorted((head["id"][:19] for head in heads), reverse=True)
    assert [head["service"] for head in again.heads("Beta", 10)] == ["Beta", "Beta"]
    assert len(again.heads(None, 2)) == 2
    found = again.read(heads[0]["id"])
    assert found is not None
    assert found["logs"] == ["x"]


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "..", "", "20260101T000000.000Z-x"])
def test_evidence_that_was_never_kept_is_not_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.json").write_text("{}")
    evidence = Evidence(tmp_path / "evidence")
    evidence.load()
    assert evidence.read(name) is None


def test_times_of_the_engine() -> None:
    assert moment("2026-11-24T12:00:00.5Z") == 1795521600.5
    assert moment("2026-11-24T12:00:00.123456789Z") == pytest.approx(1795521600.123456789)
    assert moment("2026-11-24T12:00:00Z") == 1795521600.0
    assert moment("0001-01-01T00:00:00Z") < 0
    assert moment("nonsense") == moment(None) == 0.0


def inspected(
    status: str, ident: str = "a" * 64, started: str = "2026-11-24T12:00:00Z", **state: Any
) -> dict[str, Any]:
    networks = {"other": {"IPAddress": "10.0.0.9"}, "fleet": {"IPAddress": "10.1.0.9"}, "none": {"IPAddress": ""}}
    return {
        "Id": ident,
        "State": {"Status": status, "StartedAt": started, **state},
        "NetworkSettings": {"Networks": networks},
    }


def sight() -> Sight:
    return Sight(Wanted("Alpha", "mainpc", "dockwright-alpha", 8000, "192.0.2.1"), 10.0)


def test_a_new_run_begins_with_nothing_known() -> None:
    one = sight()
    one.inspected(inspected("running"), 1000.0, 1795521600.0 + 30)
    assert (one.shape, one.since, one.health) == (Shape.RUNNING, 970.0, Health.UNKNOWN)
    one.answered(judge(0.0, 503, b""), 1001.0)
    assert one.facts(False, 1.0).unwell_since == 1001.0
    one.inspected(inspected("running"), 1002.0, 0.0)
    assert one.health is Health.UNWELL
    one.inspected(inspected("running", started="2026-11-24T12:00:40Z"), 1003.0, 1795521641.0)
    assert (one.health, one.misses, one.unwell_since) == (Health.UNKNOWN, 0, None)


def test_the_address_on_a_shared_network_is_preferred() -> None:
    one = sight()
    assert one.address(frozenset()) == "192.0.2.1"
    one.inspected(inspected("running"), 1000.0, 0.0)
    assert one.address(frozenset({"fleet"})) == "10.1.0.9"
    assert one.address(frozenset()) in ("10.0.0.9", "10.1.0.9")


@pytest.fixture
def world(tmp_path: Path) -> World:
    one = World("SelfHealingSupervisor", Holds(tmp_path / "holds.json"))
    one.desire(parse(desired(ROW, written_at=1000.0)), 10.0)
    one.sights["Alpha"].inspected(inspected("running"), 20.0, 2000.0)
    return one


def event(action: str, at: float, ident: str = "a" * 64, **attributes: str) -> dict[str, Any]:
    attributes = {"name": "dockwright-alpha", **attributes}
    return {"Action": action, "timeNano": int(at * 1e9), "Actor": {"ID": ident, "Attributes": attributes}}


def test_an_end_is_seen_without_asking(world: World) -> None:
    assert world.event(event("die", 2001.0, exitCode="9"), 21.0, 2001.0) is None
    one = world.sights["Alpha"]
    assert (one.shape, one.exit_code, one.facts(False, 1.0).signalled) == (Shape.ENDED, 9, False)


def test_events_from_before_the_last_look_are_old_news(world: World) -> None:
    world.event(event("die", 1999.0), 21.0, 2001.0)
    world.event(event("stop", 1999.0), 21.0, 2001.0)
    assert world.sights["Alpha"].shape is Shape.RUNNING
    assert world.holds.all() == {}


def test_events_of_another_container_of_that_name_are_not_taken(world: World) -> None:
    for action in ("die", "stop", "destroy", "kill"):
        world.event(event(action, 2001.0, "b" * 64), 21.0, 2001.0)
    assert world.sights["Alpha"].shape is Shape.RUNNING
    assert world.holds.all() == {}


def test_our_own_signals_are_not_somebody_elses(world: World) -> None:
    world.acting.add("Alpha")
    world.event(event("kill", 2001.0), 21.0, 2001.0)
    assert not world.sights["Alpha"].facts(False, 1.0).signalled
    world.acting.clear()
    world.event(event("kill", 2002.0), 22.0, 2002.0)
    assert world.sights["Alpha"].facts(False, 1.0).signalled


def test_a_stop_before_the_newest_wish_is_over(world: World) -> None:
    world.event(event("die", 2001.0), 21.0, 2001.0)
    world.event(event("stop", 2001.0), 21.0, 2001.0)
    assert set(world.holds.all()) == {"Alpha"}
    world.desire(parse(desired(ROW, written_at=2000.5)), 22.0)
    assert set(world.holds.all()) == {"Alpha"}
    world.desire(parse(desired(ROW, written_at=2002.0)), 22.0)
    assert world.holds.all() == {}


@pytest.mark.parametrize(
    "broken", [{}, {"Action": 1}, {"Action": "die", "Actor": None}, {"Actor": {"Attributes": None}}]
)
def test_events_of_a_strange_shape_change_nothing(world: World, broken: dict[str, Any]) -> None:
    assert world.event(broken, 21.0, 2001.0) is None
    assert world.sights["Alpha"].shape is Shape.RUNNING


def test_what_is_worth_telling() -> None:
    quiet = Memory(state=State.HEALTHY)
    hung = replace(quiet, state=State.BACKOFF, fault=Fault(Kind.HUNG, "r", 5.0, 7.0), trouble=5.0, failures=1)
    assert notes(quiet, hung, 5.0) == [("hung", {"failures": 1, "due_seconds": 2.0})]
    assert notes(hung, hung, 6.0) == []
    healed = replace(quiet, failures=1)
    assert notes(hung, healed, 9.0) == [("healed", {"seconds": 4.0, "failures": 1})]
    broken = replace(hung, breaker=Breaker.OPEN, cool_down=300.0)
    assert [kind for kind, _ in notes(hung, broken, 6.0)] == ["breaker_opened"]
    assert [kind for kind, _ in notes(broken, replace(hung, breaker=Breaker.TRIAL), 6.0)] == []
    assert [kind for kind, _ in notes(broken, quiet, 6.0)] == ["healed", "breaker_closed"]


def test_events_are_told_in_order_and_again_when_they_did_not_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("self_healing_supervisor.telling.FIRST_WAIT", 0.01)
    arrived: list[int] = []
    trouble = iter([True, True])

    def send(batch: Any) -> None:
        if next(trouble, False):
            raise OSError("away")
        arrived.extend(one["n"] for one in batch)

    async def test() -> None:
        telling = Telling(send, logging.getLogger("telling"))
        task = asyncio.create_task(telling.run())
        for number in range(MOST + 250):
            telling.tell({"n": number})
        assert (telling.waiting, telling.lost) == (MOST, 250)
        end = time.monotonic() + 10
        while len(arrived) < MOST and time.monotonic() < end:
            await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(test())
    assert arrived == list(range(250, MOST + 250))


def test_container_statistics() -> None:
    stats = {
        "memory_stats": {"usage": 60 * 2**20, "stats": {"inactive_file": 10 * 2**20}},
        "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}},
    }
    assert (memory_mb(stats), cpu_seconds(stats)) == (50.0, 2.5)
    assert (memory_mb({}), cpu_seconds({"cpu_stats": None})) == (None, None)
    assert memory_mb({"memory_stats": {"usage": 1, "stats": {"total_inactive_file": 5}}}) == 0.0


def test_the_host_is_read_from_its_own_files(tmp_path: Path) -> None:
    before = host.ticks("cpu  10 0 10 70 10 0 0 0 5 5\ncpu0 1 2 3 4 5\n")
    after = host.ticks("cpu  40 0 20 120 20 0 0 0 9 9\n")
    assert host.busy_pct(before, after) == 40.0
    assert host.busy_pct(before, before) is None
    assert host.processors(host.STAT.read_text()) == os.cpu_count()
    memory = host.memory_mb(host.MEMINFO.read_text())
    assert 0 < memory["available_mb"] <= memory["total_mb"]
    disk = host.disk_mb(tmp_path)
    assert 0 <= disk["free_mb"] <= disk["total_mb"]
    with pytest.raises(ValueError, match="stat"):
        host.ticks("nonsense")


@pytest.mark.skipif(Path("/dev/nvidia0").exists(), reason="there is a card here")
def test_cards_that_cannot_be_seen_are_unknown_and_not_none() -> None:
    found = Nvml().read()
    assert found.cards is None
    assert found.reason is not None
    assert found.reason.startswith("unknown: ")
