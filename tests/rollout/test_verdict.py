"""What a starting instance's answers mean: booting, slow, hung, crashed and fallen are told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockwright.rollout.verdict import HOLD, IDLE, LAPSE, OUTGROWN, RESTLESS, Answer, Course, Verdict

DEADLINE = 20.0


def course(*answers: Answer) -> Course:
    made = Course(DEADLINE)
    for answer in answers:
        made = made.take(answer)
    return made


def ok(at: float) -> Answer:
    return Answer(at, alive=True, ok=True, work=1)


def ill(at: float, work: int = 1, reason: str = "it says no") -> Answer:
    return Answer(at, alive=True, ok=False, work=work, reason=reason)


def dead(at: float) -> Answer:
    return Answer(at, alive=False, ok=False, work=1, reason="exit code 3")


def busy(start: float, end: float) -> list[Answer]:
    """A start that gets somewhere all the time, looked at every second."""
    return [ill(start + number, work=100 + int(start) + number) for number in range(int(end - start) + 1)]


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ([ill(1)], Verdict.BOOTING),
        ([ill(DEADLINE - 1)], Verdict.BOOTING),
        ([ok(2)], Verdict.HOLDING),
        ([ok(2), ok(2 + HOLD - 0.1)], Verdict.HOLDING),
        ([ok(2), ok(2 + HOLD)], Verdict.HEALTHY),
        ([ill(1), dead(3)], Verdict.CRASHED),
        ([ok(2), dead(3)], Verdict.CRASHED),
        ([ok(2), ok(2 + HOLD), dead(9)], Verdict.HEALTHY),
        ([ill(1), ill(DEADLINE + IDLE + 1)], Verdict.HUNG),
        (busy(1, DEADLINE + IDLE + 1), Verdict.SLOW),
        ([*busy(1, DEADLINE + 30), ok(52), ok(52 + HOLD)], Verdict.HEALTHY),
        (busy(1, DEADLINE * OUTGROWN), Verdict.OUTGREW),
        ([ok(2), ill(3), ill(3 + LAPSE - 0.1)], Verdict.HOLDING),
        ([ok(2), ill(3), ill(3 + LAPSE)], Verdict.FELL),
        ([ok(2), ill(4), ok(5), ok(5 + HOLD - 0.1)], Verdict.HOLDING),
        ([ok(2), ill(4), ok(5), ok(5 + HOLD)], Verdict.HEALTHY),
    ],
)
def test_a_course_means(answers: list[Answer], verdict: Verdict) -> None:
    assert course(*answers).verdict is verdict


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ([ok(500)], Verdict.HOLDING),
        ([ok(500), ok(500 + HOLD)], Verdict.HEALTHY),
        ([ill(500)], Verdict.HOLDING),
        ([ill(500), ok(502), ok(502 + HOLD)], Verdict.HEALTHY),
        ([ill(500), ill(500 + LAPSE)], Verdict.FELL),
        ([dead(500)], Verdict.CRASHED),
    ],
)
def test_one_that_was_healthy_before_is_not_judged_by_its_age(answers: list[Answer], verdict: Verdict) -> None:
    made = Course(DEADLINE, was_well=True)
    for answer in answers:
        made = made.take(answer)
    assert made.verdict is verdict


def test_one_that_goes_up_and_down_does_not_hold() -> None:
    answers = [each for number in range(60) for each in (ok(2 + number * 4.0), ill(4 + number * 4.0))]
    assert course(*answers).verdict is Verdict.FELL


def test_the_reason_of_the_last_answer_is_kept() -> None:
    assert course(ill(1), dead(2)).reason == "exit code 3"
    assert course(ill(1, reason="model: loading")).reason == "model: loading"


def test_the_first_healthy_answer_is_what_a_start_took() -> None:
    assert course(ill(1), ok(3), ok(4), ok(3 + HOLD)).first_ok == 3


steps = st.lists(
    st.tuples(st.floats(0.1, 30), st.booleans(), st.sampled_from([True] * 9 + [False]), st.integers(0, 3)), max_size=60
)


@given(steps)
def test_every_course_settles_and_healthy_means_an_unbroken_time(taken: list[tuple[float, bool, bool, int]]) -> None:
    made, at, work, well_since = Course(DEADLINE), 0.0, 0, None
    for wait, healthy, alive, more in taken:
        at, work = at + wait, work + more
        before = made.verdict
        made = made.take(Answer(at, alive, healthy, work))
        well_since = (well_since or at) if healthy and alive else None
        assert not before.settled or made.verdict is before, "settled is settled"
        if made.verdict is Verdict.HEALTHY and before is not Verdict.HEALTHY:
            assert well_since is not None
            assert at - well_since >= HOLD
    late = max(at, DEADLINE * OUTGROWN) + RESTLESS + HOLD + IDLE
    for number in range(3):
        made = made.take(Answer(late + number * (LAPSE + 1), alive=True, ok=False, work=work))
    assert made.verdict.settled
