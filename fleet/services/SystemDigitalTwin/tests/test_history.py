"""The history in a real SQLite file: nothing is lost but what was not written yet, and nothing grows without end."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from system_digital_twin.history import MOST_HELD, History
from system_digital_twin.series import LEVELS, RECORD, Level, Tally, find, level_for, one, pack, unpack

NOW = 1_795_521_600  # a whole day's begin

tallies = st.builds(
    lambda count, values: Tally(count, min(values), sorted(values)[1], max(values)),
    st.integers(1, 2**16 - 1),
    st.lists(st.integers(0, 2**20).map(float), min_size=3, max_size=3),
)


def opened(folder: Path) -> History:
    history = History(folder / "history.sqlite3")
    history.open()
    assert history.problem == ""
    return history


def means(
    history: History, metric: str, since: float, until: float, now: float, points: int = 1000
) -> dict[int, float]:
    line = history.read("pc2", metric, since, until, now, points)
    return {point.start: point.tally.mean for point in line.points}


@given(st.dictionaries(st.integers(1, 2**16 - 1), tallies, max_size=40))
def test_what_is_packed_is_found(found: dict[int, Tally]) -> None:
    raw = pack(found)
    assert len(raw) == RECORD.size * len(found)
    assert unpack(raw) == found
    assert all(find(raw, number) == tally for number, tally in found.items())
    assert find(raw, 0) is None
    assert unpack(raw[:-1]) == dict(sorted(found.items())[:-1])


@given(st.lists(st.integers(0, 10**6).map(float), min_size=1, max_size=30))
def test_tallies_add_up_to_what_they_are_made_of(values: list[float]) -> None:
    found = one(values[0])
    for value in values[1:]:
        found = found + one(value)
    assert (found.count, found.low, found.high) == (len(values), min(values), max(values))
    assert found.mean == pytest.approx(sum(values) / len(values))


@pytest.mark.parametrize(
    ("age", "width", "level"),
    [
        (600, 2, LEVELS[0]),
        (600, 60, LEVELS[1]),
        (601, 2, LEVELS[1]),
        (86_400, 288, LEVELS[1]),
        (86_401, 1, LEVELS[2]),
        (30 * 86_400, 9000, LEVELS[2]),
        (90 * 86_400, 1, LEVELS[2]),
    ],
)
def test_the_level_that_still_has_it_and_is_fine_enough(age: float, width: float, level: Level) -> None:
    assert level_for(age, width) == level


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 200), st.integers(0, 9), st.sampled_from("rfo"))))
def test_what_is_read_is_what_was_measured(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, str]]
) -> None:
    """However samples, writes and restarts follow each other: each level gives the mean of what fell into a bucket."""
    folder = tmp_path_factory.mktemp("history")
    history, now = opened(folder), float(NOW)
    measured: defaultdict[int, list[int]] = defaultdict(list)
    for seconds, value, after in steps:
        now += seconds
        history.record("pc2", now, {"x": float(value)})
        history.record("other", now, {"x": 77.0, "y": 78.0})
        measured[int(now)].append(value)
        if after == "f":
            history.flush(now)
        elif after == "o":
            history.close(now)
            history = opened(folder)
    for level in LEVELS:
        buckets: defaultdict[int, list[int]] = defaultdict(list)
        for at, values in measured.items():
            if now - at < level.keep - level.seconds:
                buckets[at // level.seconds * level.seconds] += values
        since = now - level.keep + level.seconds
        found = means(history, "x", since, now, now, 5000)
        expected = {start: sum(values) / len(values) for start, values in buckets.items()}
        assert {start: found[start] for start in expected} == pytest.approx(expected)
    history.close(now)


def test_a_kill_loses_what_was_not_written_and_no_more(tmp_path: Path) -> None:
    history = opened(tmp_path)
    for second in range(0, 120, 5):
        history.record("pc2", NOW + second, {"x": float(second)})
        if second == 60:
            history.flush(NOW + second)
    after = opened(tmp_path)  # nobody closed the first: the process was killed
    assert means(after, "x", NOW, NOW + 120, NOW + 120) == {NOW + at: at for at in range(0, 65, 5)}
    after.record("pc2", NOW + 121, {"x": 1.0})
    after.flush(NOW + 121)
    assert means(after, "x", NOW, NOW + 121, NOW + 121)[NOW + 120] == 1.0


def test_a_bucket_that_was_half_full_at_a_restart_fills_up(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.record("pc2", NOW, {"x": 2.0})
    first.close(NOW)
    second = opened(tmp_path)
    second.record("pc2", NOW + 10, {"x": 4.0})
    second.close(NOW + 10)
    line = opened(tmp_path).read("pc2", "x", NOW, NOW + 60, NOW + 60, 1)
    assert [(point.start, point.tally) for point in line.points] == [(NOW, Tally(2, 2.0, 3.0, 4.0))]


def test_a_clock_that_is_put_back_loses_nothing(tmp_path: Path) -> None:
    history = opened(tmp_path)
    history.record("pc2", NOW, {"x": 1.0})
    history.record("pc2", NOW + 3600, {"x": 5.0})
    history.flush(NOW + 3600)
    history.record("pc2", NOW + 1, {"x": 3.0})
    history.flush(NOW + 1)
    history.record("pc2", NOW + 7200, {"x": 1.0})
    history.flush(NOW + 7200)  # what lies between is in memory no longer
    history.record("pc2", NOW + 1, {"x": 5.0})
    history.record("pc2", NOW + 3601, {"x": 7.0})
    history.flush(NOW + 7200)
    assert means(history, "x", NOW, NOW + 7200, NOW + 7200) == {NOW: 3.0, NOW + 3600: 6.0, NOW + 7200: 1.0}


def test_points_are_never_more_than_asked_for(tmp_path: Path) -> None:
    history = opened(tmp_path)
    for second in range(0, 600, 5):
        history.record("pc2", NOW + second, {"x": float(second)})
    for points in (2, 3, 7, 100, 1000):
        for since, until in ((1, 599), (299, 599), (59, 420), (4, 6)):
            line = history.read("pc2", "x", NOW + since, NOW + until, NOW + 600, points)
            assert 1 <= len(line.points) <= points, (points, since, until)
            assert sum(point.tally.count for point in line.points) >= (until - since) // 5
    assert history.read("pc2", "y", NOW, NOW + 600, NOW + 600, 5).points == []
    assert history.metrics("pc2") == ["x"]


def test_forty_days_are_bounded(tmp_path: Path) -> None:
    history = opened(tmp_path)
    values = {f"S{number}.memory_mb": 1.0 for number in range(10)}
    sizes = []
    for quarter in range(40 * 96):
        history.record("pc2", NOW + quarter * 900, values)
        if quarter % 24 == 0:
            history.flush(NOW + quarter * 900)
            sizes.append((tmp_path / "history.sqlite3").stat().st_size)
    history.close(NOW + 40 * 96 * 900)
    with sqlite3.connect(tmp_path / "history.sqlite3") as base:
        rows = dict(base.execute("SELECT level, count(*) FROM bucket GROUP BY level"))
    base.close()
    assert rows[900] <= 30 * 96 + 26
    assert rows[60] <= 96 + 26
    assert max(sizes[-24:]) <= max(sizes[-48:-24]) + 64 * 1024


def test_a_file_that_is_broken_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    path.write_bytes(b"no database at all" * 1000)
    history = History(path)
    history.open()
    assert "not a database" in history.problem
    history.record("pc2", NOW, {"x": 1.0})
    history.flush(NOW)
    assert history.problem == ""
    assert path.with_name("history.sqlite3.broken").read_bytes().startswith(b"no database")
    history.close(NOW)
    assert means(opened(tmp_path), "x", NOW, NOW + 5, NOW + 5) == {NOW: 1.0}


def test_a_write_that_is_taken_back_leaves_no_name_behind(tmp_path: Path) -> None:
    """A metric's number that was not written down with its name would be given away a second time."""
    history = opened(tmp_path)
    with closing(sqlite3.connect(tmp_path / "history.sqlite3")) as other:
        other.execute("CREATE TRIGGER no BEFORE INSERT ON bucket BEGIN SELECT RAISE(ABORT, 'not now'); END")
        history.record("pc2", NOW, {"x": 1.0})
        history.flush(NOW)
        assert "not now" in history.problem
        other.execute("DROP TRIGGER no")
    history.flush(NOW)
    history.close(NOW)
    after = opened(tmp_path)
    assert after.metrics("pc2") == ["x"]
    assert means(after, "x", NOW, NOW + 5, NOW + 5) == {NOW: 1.0}


def test_a_disk_that_takes_nothing_costs_memory_up_to_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    path.mkdir()
    history = History(path)
    history.open()
    for step in range(MOST_HELD + 50):
        history.record("pc2", NOW + 5 * step, {"x": float(step)})
    history.flush(NOW)
    assert "unable to open" in history.problem
    assert history.unwritten_for() > 0
    assert history.lost > 0
    last = NOW + 5 * (MOST_HELD + 49)
    assert means(history, "x", last - 300, last + 5, last + 5)[last] == MOST_HELD + 49
    path.rmdir()
    history.flush(last)
    assert history.problem == ""
    assert history.unwritten_for() == 0
    history.close(last)


def test_what_was_never_written_is_read_and_reading_writes_nothing(tmp_path: Path) -> None:
    history = opened(tmp_path)
    history.record("pc2", NOW, {"x": 1.0})
    size = (tmp_path / "history.sqlite3-wal").stat().st_size
    assert means(history, "x", NOW - 1, NOW + 5, NOW + 5) == {NOW: 1.0}
    assert (tmp_path / "history.sqlite3-wal").stat().st_size == size
