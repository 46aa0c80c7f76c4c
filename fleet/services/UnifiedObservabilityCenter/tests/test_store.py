"""What is kept: once, whole, bounded, and still there after a restart."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unified_observability_center.core.health import State
from unified_observability_center.core.journal import Transition
from unified_observability_center.store import events, startups, transitions
from unified_observability_center.store.database import Database, Unavailable, begin_life, live_on
from unified_observability_center.store.opening import connect
from unified_observability_center.store.sboms import Refused, Sboms

KEY = ("mainpc", "Alpha")


@pytest.fixture
def db(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "db")[0]


def _sent(number: int, service: str = "Alpha", kind: str = "crashed") -> events.Sent:
    return events.Sent(kind, "mainpc", service, float(number), {"n": number})


def test_the_same_event_is_kept_once_however_often_it_is_sent(db: sqlite3.Connection) -> None:
    batch = [_sent(1, kind="restarted"), _sent(2, kind="restarted")]
    assert events.keep(db, batch) == 2
    assert events.keep(db, batch) == 0
    assert events.restarts(db) == {KEY: 2}
    assert events.count(db) == 2


def test_events_are_found_newest_first_page_by_page(db: sqlite3.Connection) -> None:
    events.keep(db, [_sent(n, "Alpha" if n % 2 else "Beta") for n in range(10)])
    first = events.find(db, events.Wish(3, service="Alpha"))
    rest = events.find(db, events.Wish(9, service="Alpha", before=first[-1].id))
    assert [one.detail["n"] for one in first + rest] == [9, 7, 5, 3, 1]
    assert events.find(db, events.Wish(9, kind="healed")) == []


def test_who_sends_much_does_not_crowd_out_who_sends_little(db: sqlite3.Connection) -> None:
    events.keep(db, [_sent(n, "Quiet") for n in range(5)], 100)
    for start in range(0, 1000, 50):
        events.keep(db, [_sent(n, "Noisy") for n in range(start, start + 50)], 100)
        assert events.count(db) <= 100
    kept = Counter(one.service for one in events.find(db, events.Wish(500)))
    assert kept["Quiet"] == 5
    assert kept["Noisy"] > 30
    assert events.find(db, events.Wish(1, service="Noisy"))[0].detail == {"n": 999}, "the newest stay"


def test_more_instances_than_rows_are_bounded_too(db: sqlite3.Connection) -> None:
    events.keep(db, [_sent(n, f"Service{n}") for n in range(80)], 20)
    assert events.count(db) == 20
    assert events.find(db, events.Wish(1))[0].service == "Service79"


def _change(at: float, after: State) -> Transition:
    return Transition(State.UNKNOWN, after, at, "why")


def test_transitions_know_the_last_state_and_the_last_hour(db: sqlite3.Connection) -> None:
    transitions.keep(db, [(KEY, _change(10.0, State.HEALTHY)), (KEY, _change(20.0, State.SILENT))])
    transitions.keep(db, [(KEY, _change(30.0, State.HEALTHY)), (("pc2", "Alpha"), _change(5.0, State.STARTING))])
    assert transitions.last(db) == {KEY: (State.HEALTHY, 30.0), ("pc2", "Alpha"): (State.STARTING, 5.0)}
    assert transitions.since(db, 25.0)[KEY] == [(20.0, State.SILENT), (30.0, State.HEALTHY)]
    assert [one.change.after for one in transitions.find(db, transitions.Wish(2))] == [State.STARTING, State.HEALTHY]


def test_thinning_keeps_the_last_state_of_everyone(db: sqlite3.Connection) -> None:
    transitions.keep(db, [(("mainpc", f"Quiet{n}"), _change(1.0, State.SILENT)) for n in range(10)], 50)
    for n in range(300):
        transitions.keep(db, [(KEY, _change(float(n), State.HEALTHY if n % 2 else State.SILENT))], 50)
    found = transitions.last(db)
    assert len(found) == 11
    assert found[KEY] == (State.HEALTHY, 299.0)
    assert transitions.count(db) <= 50


def test_the_last_report_of_each_instance_is_kept(db: sqlite3.Connection) -> None:
    startups.keep(db, KEY, {"git_sha": "a"})
    startups.keep(db, KEY, {"git_sha": "b"})
    assert {key: one.report for key, one in startups.all_of_them(db).items()} == {KEY: {"git_sha": "b"}}
    startups.forget(db, KEY)
    assert startups.all_of_them(db) == {}


def test_reports_are_bounded_and_the_oldest_go(db: sqlite3.Connection) -> None:
    for n in range(8):
        startups.keep(db, ("mainpc", f"Service{n}"), {}, 5)
    assert [service for _, service in startups.all_of_them(db)] == [f"Service{n}" for n in range(3, 8)]


def test_lives_are_told_apart(db: sqlite3.Connection) -> None:
    begin_life(db)
    live_on(db)
    lives = begin_life(db)
    assert len(lives) == 2
    assert lives[0][0] <= lives[0][1] <= lives[1][0]


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    db, _ = connect(tmp_path / "db")
    events.keep(db, [_sent(1)])
    transitions.keep(db, [(KEY, _change(1.0, State.HEALTHY))])
    db.close()
    again, wrong = connect(tmp_path / "db")
    assert wrong == ""
    assert (events.count(again), transitions.count(again)) == (1, 1)


@pytest.mark.parametrize("damage", [b"this was a database", b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_damaged_file_is_put_aside_and_begun_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "db").write_bytes(damage)
    db, wrong = connect(tmp_path / "db")
    assert "damaged" in wrong
    assert events.keep(db, [_sent(1)]) == 1
    aside = next(tmp_path.glob("db.damaged-*"))
    assert aside.read_bytes() == damage


def test_a_file_of_another_version_is_put_aside(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "db")
    other.execute("PRAGMA user_version = 99")
    other.close()
    assert "version 99" in connect(tmp_path / "db")[1]


def test_a_disk_that_takes_nothing_is_said_and_forgiven(tmp_path: Path) -> None:
    async def play() -> None:
        database = Database(tmp_path / "db")
        database.open()
        await database.write(lambda db: db.execute("PRAGMA max_page_count = 30"))
        with pytest.raises(Unavailable, match="full"):
            await database.write(lambda db: events.keep(db, [_sent(n) for n in range(5000)]))
        assert "full" in database.problem
        await database.write(lambda db: db.execute("PRAGMA max_page_count = 100000"))
        assert await database.write(lambda db: events.keep(db, [_sent(1)])) == 1
        assert database.problem == ""
        assert await database.read(events.count) == 1, "of what failed nothing is kept"
        database.close()

    asyncio.run(play())


def bom(name: str, size: int = 0) -> tuple[str, bytes]:
    body = json.dumps({"bomFormat": "CycloneDX", "name": name, "fill": "x" * size}).encode()
    return f"sha256:{hashlib.sha256(body).hexdigest()}", body


def sboms(folder: Path, most: int = 5, most_bytes: int = 10_000) -> Sboms:
    found = Sboms(folder, most, most_bytes)
    found.load()
    return found


def test_an_sbom_is_kept_and_read_as_it_was_sent(tmp_path: Path) -> None:
    digest, body = bom("a")
    kept = sboms(tmp_path)
    kept.keep(digest, body, ())
    kept.keep(digest, body, ())
    assert sboms(tmp_path).read(digest) == body
    assert len(kept) == 1


def test_only_the_cyclonedx_document_of_the_digest_is_taken(tmp_path: Path) -> None:
    kept = sboms(tmp_path)
    digest, _ = bom("a")
    for body in (b"other", b"", json.dumps({"bomFormat": "SPDX"}).encode(), b"[" * 100_000, b"[]"):
        own = f"sha256:{hashlib.sha256(body).hexdigest()}"
        with pytest.raises(Refused):
            kept.keep(own, body, ())
        with pytest.raises(Refused, match="digest"):
            kept.keep(digest, body, ())
    assert len(kept) == 0 and list(tmp_path.iterdir()) == []


def test_what_lies_there_changed_is_not_given_out(tmp_path: Path) -> None:
    digest, body = bom("a")
    sboms(tmp_path).keep(digest, body, ())
    kept = sboms(tmp_path)
    (tmp_path / f"{digest.removeprefix('sha256:')}.json").write_bytes(body + b" ")
    assert kept.read(digest) is None
    assert digest not in kept


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4000), st.booleans()), max_size=30))
def test_sboms_are_bounded_in_number_and_size_and_those_in_use_go_last(sent: list[tuple[int, int, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        kept = sboms(Path(folder))
        used: set[str] = set()
        for name, size, use in sent:
            digest, body = bom(f"{name}", size)
            before = {one for one in used if one in kept}
            unused = [one for one in kept._sizes if one not in used]
            kept.keep(digest, body, used)
            assert digest in kept
            assert len(kept) <= 5 and kept.size <= 10_000
            if any(one not in kept for one in before):
                assert all(one not in kept for one in unused if one != digest), "first those that nobody uses"
            if use:
                used.add(digest)
        assert kept.size == sum(path.stat().st_size for path in Path(folder).iterdir())
