"""What starts teach: the deadline follows them, the downtime is their median, a broken memory is no memory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockwright.rollout import learned
from dockwright.rollout.learned import ENOUGH, KEPT, SHORTEST, SLACK, Starts

seconds = st.floats(0, 3000)


def test_what_is_declared_counts_until_enough_starts_were_seen() -> None:
    assert Starts().deadline(20) == 20
    assert Starts((4.0,)).deadline(20) == 20
    assert Starts((4.0,) * ENOUGH).deadline(20) == max(SHORTEST, 4 * SLACK)


def test_a_start_that_outgrew_what_is_declared_is_given_time_at_once() -> None:
    assert Starts((157.0,)).deadline(120) == 157 * SLACK


@given(st.lists(st.tuples(seconds, st.none() | seconds), max_size=40), seconds)
def test_no_start_like_those_before_is_ever_late(seen: list[tuple[float, float | None]], declared: float) -> None:
    known = Starts()
    for start, away in seen:
        known = known.with_start(start, away)
    assert len(known.starts) == min(len(seen), KEPT)
    assert all(known.deadline(declared) >= start for start in known.starts)


@given(st.dictionaries(st.text(max_size=9), st.lists(seconds, max_size=5)))
def test_what_is_written_is_read_again(known: dict[str, list[float]]) -> None:
    starts = {name: Starts(tuple(round(each, 2) for each in values)) for name, values in known.items()}
    assert learned.read(json.loads(json.dumps(learned.content(starts)))) == starts


@pytest.mark.parametrize(
    "content",
    [None, {}, {"a": 1}, {"a": {"starts": "x"}}, {"a": {"starts": [None, -1, "x", 1e99], "away": {}}}],
)
def test_a_broken_memory_is_no_memory(content: dict[str, Any] | None) -> None:
    assert all(one == Starts() for one in learned.read(content).values())


def test_the_downtime_is_what_replacing_took_in_the_median() -> None:
    assert Starts().downtime is None
    assert Starts((1.0, 2.0), (3.0, 9.0, 4.0)).downtime == 4.0
