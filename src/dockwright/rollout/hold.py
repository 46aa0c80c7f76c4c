"""Waits until every instance of a wave has held its health, or until it is clear that one will not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from dockwright.errors import DockwrightError
from dockwright.rollout.hands import Hands
from dockwright.rollout.target import Target
from dockwright.rollout.verdict import HOLD, Answer, Course, Verdict
from dockwright.spec.model import Instance

LOOK = 0.5


@dataclass(frozen=True)
class Limits:
    """Seconds. `wave`: how long a wave must be healthy without a break before the next one begins; `end`: how long, at
    last, everything that was touched; `patience`: how long a machine may be out of reach.
    """

    wave: float = 2.0
    end: float = HOLD
    patience: float = 60.0


def hold(
    targets: Sequence[Target],
    deadlines: Mapping[Instance, float],
    hands: Hands,
    limits: Limits,
    held: Sequence[Target] = (),
    *,
    last: bool = True,
) -> dict[Instance, Course]:
    """The settled course of every target. One failure ends nothing early: the report shows how each one did.

    `held`: what was healthy before and must be so still; how each one started is not judged again. `last`: nothing is
    touched after these.
    """
    seconds = limits.end if last else limits.wave
    courses = {target.instance: Course(deadlines[target.instance]) for target in targets}
    courses |= {target.instance: Course(deadlines[target.instance], was_well=True) for target in held}
    targets = [*held, *targets]
    heard = dict.fromkeys((target.host for target in targets), hands.clock())
    while waiting := [target for target in targets if not courses[target.instance].verdict.settled]:
        for machine, answers in _looks(waiting, hands).items():
            ours = [target for target in waiting if target.host == machine]
            if not isinstance(answers, DockwrightError):
                heard[machine] = hands.clock()
                for target in ours:
                    _take(courses, target.instance, answers, hands, seconds)
            elif hands.clock() - heard[machine] >= limits.patience:
                lost = f"{machine} cannot be looked at: {answers}"
                for each in (target.instance for target in ours):
                    courses[each] = replace(courses[each], verdict=Verdict.LOST, reason=lost)
        if any(not course.verdict.settled for course in courses.values()):
            hands.pause(LOOK)
    return courses


def _looks(targets: Sequence[Target], hands: Hands) -> dict[str, Mapping[Instance, Answer] | DockwrightError]:
    """Machine -> what a look at its targets showed, or why there is none. Nobody waits for a machine that is silent."""
    machines = sorted({target.host for target in targets})

    def look(machine: str) -> Mapping[Instance, Answer] | DockwrightError:
        try:
            return hands.look(machine, [target for target in targets if target.host == machine])
        except DockwrightError as error:
            return error

    return dict(zip(machines, hands.side_by_side([partial(look, machine) for machine in machines]), strict=True))


def _take(
    courses: dict[Instance, Course],
    instance: Instance,
    answers: Mapping[Instance, Answer],
    hands: Hands,
    seconds: float,
) -> None:
    before = courses[instance]
    answer = answers.get(instance)
    if answer is None:
        return
    after = before.take(answer, seconds)
    courses[instance] = after
    if after.verdict is not before.verdict and not (before.was_well and after.verdict is Verdict.HEALTHY):
        _tell(instance, after, hands)


def _tell(instance: Instance, course: Course, hands: Hands) -> None:
    told = {
        Verdict.HEALTHY: f"{instance.name} is healthy",
        Verdict.SLOW: f"{instance.name} takes longer than ever ({course.deadline:.0f} s), and is getting somewhere",
    }
    if course.verdict in told:
        hands.say(f"  {told[course.verdict]}")
    elif course.verdict.failed:
        hands.say(f"  {instance.name}: {course.verdict.value}{': ' + course.reason if course.reason else ''}")
