"""The smaller decisions: matching, fairness, stories, segments, the verdict."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unified_observability_center.core.health import State
from unified_observability_center.core.incidents import Event, Incident, incidents
from unified_observability_center.core.match import Mismatch, compare
from unified_observability_center.core.strip import Segment, gaps, strip
from unified_observability_center.core.thin import shares
from unified_observability_center.core.verdict import Row, verdict
from unified_observability_center.reported import merged
from unified_observability_center.store.startups import Startup

FACTS: dict[str, str | None] = {"git_sha": "a", "tag": "t", "input_digest": "sha256:1"}


def test_the_same_facts_match() -> None:
    assert compare(FACTS, FACTS).verdict == "true"


@pytest.mark.parametrize(("name", "shown"), [("git_sha", "git_sha"), ("tag", "tag"), ("input_digest", "input_digest")])
def test_one_other_fact_is_a_mismatch(name: str, shown: str) -> None:
    found = compare(FACTS, FACTS | {name: "other"})
    assert found.verdict == "false"
    assert found.mismatches == (Mismatch(shown, str(FACTS[name]), "other"),)


def test_another_sbom_or_service_is_a_mismatch() -> None:
    wanted = FACTS | {"sbom_digest": "sha256:s", "service": "Alpha"}
    found = compare(wanted, FACTS | {"sbom_digest": "sha256:z", "service": "Beta"})
    assert [one.what for one in found.mismatches] == ["service", "sbom"]


def test_who_says_nothing_is_not_known_and_neither_is_who_names_no_commit() -> None:
    assert compare(FACTS, None).verdict == "unknown"
    assert compare(FACTS, {"tag": "t"}).verdict == "unknown"
    assert compare({}, FACTS).verdict == "unknown"
    assert compare(FACTS, {"tag": "other"}).verdict == "false"


def test_the_newer_telling_wins_and_the_older_one_of_the_same_run_fills_its_gaps() -> None:
    report = Startup(10.0, {"git_sha": "old", "tag": "t", "started_at": 5.0, "profile": {"A": 1}})
    same = merged(report, {"git_sha": "new", "started_at": 5.2}, 20.0)
    other = merged(report, {"git_sha": "new", "started_at": 15.0}, 20.0)
    newer = merged(
        Startup(30.0, {"git_sha": "newest", "started_at": 25.0}), {"git_sha": "new", "started_at": 5.0}, 20.0
    )
    assert same and same.facts == {"git_sha": "new", "tag": "t"} and same.profile == {"A": 1}
    assert other and other.facts == {"git_sha": "new"}
    assert newer and newer.facts == {"git_sha": "newest"} and newer.started_at == 25.0
    assert merged(None, None, None) is None


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(st.text(max_size=3), st.integers(1, 500), min_size=1, max_size=30), st.integers(1, 3000))
def test_shares_are_fair_and_bounded(counts: dict[str, int], most: int) -> None:
    kept = shares(counts, most)
    assert kept.keys() == counts.keys()
    assert all(1 <= kept[owner] <= counts[owner] for owner in counts)
    assert sum(kept.values()) <= max(most, len(counts))
    cut = [kept[owner] for owner in counts if kept[owner] < counts[owner]]
    whole = [kept[owner] for owner in counts if kept[owner] == counts[owner]]
    if cut:
        assert max(cut) - min(cut) <= 1
        assert max(whole, default=0) <= max(cut), "nobody keeps more than those who had to give"
        assert sum(kept.values()) > most - len(counts), "nothing is thrown away for no gain"
    if sum(counts.values()) <= most:
        assert kept == counts


def _event(event: str, at: float, service: str = "Alpha", **detail: Any) -> Event:
    return Event(0, event, "mainpc", service, at, detail)


def test_a_crash_that_healed_is_one_story() -> None:
    told = incidents(
        [
            _event("crashed", 10.0, failures=0),
            _event("restarted", 11.0, kind="crashed", why="exit code 137", evidence="e1", outcome={"ok": True}),
            _event("healed", 12.1, seconds=2.1),
        ]
    )
    assert told == [Incident("mainpc", "Alpha", 10.0, "crashed", "exit code 137", 1, "healed", 2.1, 12.1, "e1")]


def test_stories_of_several_instances_do_not_mix() -> None:
    told = incidents([_event("hung", 1.0), _event("crashed", 2.0, "Beta"), _event("healed", 3.0, "Beta", seconds=1.0)])
    assert [(one.service, one.outcome) for one in told] == [("Beta", "healed"), ("Alpha", "open")]


def test_an_open_breaker_and_a_failed_restart_are_told() -> None:
    failed = {"ok": False, "error": "port is already allocated"}
    told = incidents(
        [_event("crashed", 1.0), _event("restart_failed", 2.0, outcome=failed), _event("breaker_opened", 3.0)]
    )
    assert (told[0].outcome, told[0].acts, told[0].why) == ("gave up", 1, "restart failed: port is already allocated")


def test_a_hold_stands_for_itself() -> None:
    told = incidents([_event("held", 1.0, why="disk is changed")])
    assert (told[0].what, told[0].why, told[0].outcome) == ("held", "disk is changed", "noted")


KINDS = ["crashed", "hung", "restarted", "restart_failed", "healed", "breaker_opened", "breaker_closed", "held", "odd"]
VALUES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.dictionaries(st.text(max_size=3), st.none())
)
DETAILS = st.dictionaries(st.sampled_from(["why", "kind", "evidence", "outcome", "seconds"]), VALUES, max_size=5)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(["Alpha", "Beta"]), DETAILS), max_size=40))
def test_no_events_break_the_stories(sent: list[tuple[str, str, dict[str, Any]]]) -> None:
    told = incidents(Event(n, one[0], "mainpc", one[1], float(n), one[2]) for n, one in enumerate(sent))
    assert [one.at for one in told] == sorted((one.at for one in told), reverse=True)
    assert len([one for one in told if one.outcome in ("open", "gave up")]) <= 2
    assert all(one.seconds is None or one.seconds >= 0 for one in told)


STATES = st.sampled_from(list(State))
SPANS = st.lists(st.tuples(st.floats(0, 200), st.floats(0, 200)).map(lambda two: (min(two), max(two))), max_size=5)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.floats(-50, 200), STATES), max_size=12), SPANS, st.floats(50, 200), st.floats(1, 60))
def test_a_strip_has_no_gap_and_tells_of_no_time_that_was_not_watched(
    changes: list[tuple[float, State]], lives: list[tuple[float, float]], now: float, length: float
) -> None:
    found = strip(sorted(changes, key=lambda one: one[0]), lives, now, length)
    assert found[0].began == now - length
    assert found[-1].ended == now
    for one, following in pairwise(found):
        assert one.ended == following.began
        assert one.state is not following.state
        assert one.began < one.ended
    for began, ended in gaps(lives, now - length, now):
        middle = (began + ended) / 2
        assert next(one.state for one in found if one.began <= middle <= one.ended) is State.UNKNOWN or ended == began


def test_a_strip() -> None:
    changes = [(0.0, State.HEALTHY), (60.0, State.SILENT), (70.0, State.HEALTHY)]
    assert strip(changes, [(0.0, 80.0), (90.0, 100.0)], 100.0, 50.0) == [
        Segment(State.HEALTHY, 50.0, 60.0),
        Segment(State.SILENT, 60.0, 70.0),
        Segment(State.HEALTHY, 70.0, 80.0),
        Segment(State.UNKNOWN, 80.0, 90.0),
        Segment(State.HEALTHY, 90.0, 100.0),
    ]


UNREAD = "what is desired cannot be read: broken"


@pytest.mark.parametrize(
    ("rows", "extra", "problem", "level", "text", "note"),
    [
        ([], [], "", "none", "nothing should run here yet", ""),
        ([], [], "no such file", "warn", "what should run here is not known", "no such file"),
        ([("A", State.HEALTHY, "true")], [], "", "good", "1 of 1 healthy", ""),
        ([("A", State.HEALTHY, "unknown")], [], "", "good", "1 of 1 healthy", ""),
        ([("A", State.HEALTHY, "false")], [], "", "warn", "1 of 1 healthy", "1 not as released: A"),
        ([("A", State.STARTING, "true")], [], "", "warn", "0 of 1 healthy", "1 starting: A"),
        ([("A", State.SILENT, "true"), ("B", State.HEALTHY, "true")], [], "", "bad", "1 of 2 healthy", "1 silent: A"),
        ([("A", State.HEALTHY, "true")], ["Z"], "", "warn", "1 of 1 healthy", "1 not desired: Z"),
        (
            [("A", State.HEALTHY, "true")],
            [],
            "broken",
            "warn",
            "1 of 1 healthy",
            "what is desired cannot be read: broken",
        ),
    ],
)
def test_the_verdict(rows: list[Any], extra: list[str], problem: str, level: str, text: str, note: str) -> None:
    found = verdict([Row(*row) for row in rows], extra, problem)
    assert (found.level, found.text) == (level, text)
    assert found.notes == ((note,) if note else ())


def test_many_are_counted_not_listed() -> None:
    found = verdict([Row(f"S{n}", State.SILENT, "true") for n in range(9)], [], "")
    assert found.notes == ("9 silent: S0, S1, S2 and 6 more",)
