"""What health answers mean over time, on simulated time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unified_observability_center.core.health import (
    Answer,
    Heard,
    Memory,
    Moment,
    Policy,
    Reason,
    State,
    answered,
    began,
    first,
    quiet,
    wanted,
)
from unified_observability_center.core.journal import ANEW, Transition, transition

WELL = Answer(Heard.WELL, (), 0.01)
UNWELL = Answer(Heard.UNWELL, (Reason("disk", "full"),), 0.01)
NOTHING = Answer(Heard.NOTHING, (Reason("answer", "connection refused"),))
POLICY = Policy()
START = 10.0
WALL = 1_790_000_000.0


class Life:
    """One instance on one simulated clock."""

    def __init__(self, before: tuple[State, float] | None = None) -> None:
        self.now = Moment(WALL, 100.0)
        self.memory = first(self.now, before)
        self.told: list[Transition] = []

    def take(self, memory: Memory) -> None:
        found = transition(self.memory, memory)
        if found is not None:
            self.told.append(found)
        self.memory = memory

    def hear(self, answer: Answer, after: float = 2.0) -> State:
        self.now = Moment(self.now.wall + after, self.now.steady + after)
        self.take(answered(self.memory, answer, self.now, START, POLICY))
        return self.memory.state

    @property
    def changes(self) -> list[tuple[str, str]]:
        return [(one.before.value, one.after.value) for one in self.told]


def test_first_answer_makes_it_healthy() -> None:
    life = Life()
    assert life.hear(WELL) is State.HEALTHY
    assert life.changes == [("unknown", "healthy")]
    assert life.memory.since == life.now.wall


def test_reasons_come_with_unhealthy_and_go_with_it() -> None:
    life = Life()
    life.hear(WELL)
    assert life.hear(UNWELL) is State.UNHEALTHY
    assert life.memory.why == "disk: full"
    assert life.hear(WELL) is State.HEALTHY
    assert life.memory.reasons == ()
    assert life.changes == [("unknown", "healthy"), ("healthy", "unhealthy"), ("unhealthy", "healthy")]
    assert life.told[1].why == "disk: full"


def test_one_missed_answer_is_no_silence_and_two_are_since_the_first() -> None:
    life = Life()
    life.hear(WELL)
    assert life.hear(NOTHING) is State.HEALTHY
    missed = life.now.wall
    assert life.hear(NOTHING, 0.5) is State.SILENT
    assert life.memory.since == missed
    assert life.told[-1] == Transition(State.HEALTHY, State.SILENT, missed, "answer: connection refused")


def test_an_answer_between_two_misses_begins_the_count_anew() -> None:
    life = Life()
    life.hear(WELL)
    for _ in range(5):
        life.hear(NOTHING)
        life.hear(WELL)
    assert life.changes == [("unknown", "healthy")]


@pytest.mark.parametrize(("answer", "after"), [(NOTHING, State.SILENT), (UNWELL, State.UNHEALTHY)])
def test_starting_lasts_until_the_deadline(answer: Answer, after: State) -> None:
    life = Life()
    life.memory = wanted(life.memory, WALL, life.now, START)
    assert life.hear(answer) is State.STARTING
    assert life.hear(answer, 7.9) is State.STARTING
    assert life.hear(answer, 0.2) is after


def test_what_is_wanted_for_long_is_not_starting() -> None:
    life = Life()
    life.memory = wanted(life.memory, WALL - 3600, life.now, START)
    life.hear(NOTHING)
    assert life.hear(NOTHING) is State.SILENT


def test_a_known_new_run_is_starting_and_healthy_ends_its_start() -> None:
    life = Life()
    life.hear(replace(WELL, started_at=WALL - 500))
    life.memory = began(life.memory, life.now.wall, life.now, START)
    assert life.hear(UNWELL) is State.STARTING
    assert life.hear(WELL) is State.HEALTHY
    assert life.hear(UNWELL) is State.UNHEALTHY, "once it was well it is not starting any more"


def test_a_restart_between_two_good_answers_is_seen() -> None:
    life = Life()
    life.hear(replace(WELL, started_at=WALL - 500))
    life.hear(replace(WELL, started_at=WALL + 5), 5.0)
    assert life.told[-1] == Transition(State.HEALTHY, State.HEALTHY, WALL + 5, ANEW)
    assert life.memory.since == WALL + 5


def test_clocks_that_differ_a_little_are_no_restart() -> None:
    life = Life()
    life.hear(replace(WELL, started_at=WALL - 500))
    life.hear(replace(WELL, started_at=WALL - 500.4))
    assert len(life.told) == 1


def test_a_clock_ahead_of_ours_makes_nothing_begin_in_the_future() -> None:
    life = Life()
    life.hear(replace(WELL, started_at=WALL + 86400))
    assert life.memory.since <= life.now.wall
    assert life.memory.started_at is not None and life.memory.started_at <= life.now.wall


def test_nobody_asking_for_long_makes_it_unknown_without_a_line_in_the_journal() -> None:
    life = Life()
    life.hear(WELL)
    since = life.memory.since
    later = Moment(life.now.wall + 60, life.now.steady + 60)
    life.take(quiet(life.memory, later, POLICY))
    assert life.memory.state is State.UNKNOWN
    life.now = later
    assert life.hear(WELL) is State.HEALTHY
    assert life.memory.since == since, "it was healthy before and is healthy now"
    assert life.changes == [("unknown", "healthy")]


@pytest.mark.parametrize("state", [State.HEALTHY, State.UNHEALTHY, State.SILENT])
def test_an_earlier_life_of_ours_is_gone_on_with(state: State) -> None:
    life = Life(before=(state, WALL - 900))
    answer = {State.HEALTHY: WELL, State.UNHEALTHY: UNWELL, State.SILENT: NOTHING}[state]
    life.hear(answer)
    life.hear(answer)
    assert (life.memory.state, life.memory.since) == (state, WALL - 900)
    assert life.told == []


def test_a_change_while_we_were_away_is_told() -> None:
    life = Life(before=(State.HEALTHY, WALL - 900))
    life.hear(UNWELL)
    assert life.changes == [("healthy", "unhealthy")]


def test_a_restart_while_we_were_away_is_told() -> None:
    life = Life(before=(State.HEALTHY, WALL - 900))
    life.hear(replace(WELL, started_at=WALL - 100))
    assert life.told == [Transition(State.HEALTHY, State.HEALTHY, WALL - 100, ANEW)]


ANSWERS = st.one_of(
    st.just(WELL),
    st.just(UNWELL),
    st.just(NOTHING),
    st.floats(-100, 100).map(lambda shift: replace(WELL, started_at=WALL + shift)),
)
STEPS = st.lists(st.tuples(ANSWERS, st.floats(0.1, 40), st.booleans()), min_size=1, max_size=40)


@settings(deadline=None, max_examples=150)
@given(STEPS)
def test_whatever_is_heard_the_journal_tells_one_unbroken_story(steps: list[tuple[Answer, float, bool]]) -> None:
    life = Life()
    for answer, after, held_up in steps:
        if held_up:
            later = Moment(life.now.wall + after, life.now.steady + after)
            life.take(quiet(life.memory, later, POLICY))
            life.now = later
        life.hear(answer, after)
        memory = life.memory
        assert memory.since <= life.now.wall
        assert (memory.state is State.HEALTHY) <= (memory.reasons == () and memory.misses < POLICY.misses)
        assert (memory.state in (State.SILENT, State.UNHEALTHY)) <= bool(memory.why)
        if answer.heard is Heard.WELL:
            assert memory.state is State.HEALTHY
        if answer.heard is Heard.UNWELL:
            assert memory.state in (State.UNHEALTHY, State.STARTING)
    for one, after_one in pairwise(life.told):
        assert one.after is after_one.before
        assert one.at <= after_one.at
    if life.memory.state is not State.UNKNOWN:
        assert life.told[-1].after is life.memory.state
        assert life.told[-1].at == life.memory.since
