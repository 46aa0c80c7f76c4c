"""Carries a plan out, wave by wave, and takes everything back as one when a wave fails.

Every step is noted before it is taken, and taking it again changes nothing: a deploy that was cut off anywhere is
completed by planning it again, or taken back by planning the release before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from dockwright.errors import DockwrightError, Unreachable
from dockwright.rollout.hands import Hands
from dockwright.rollout.hold import Limits, hold
from dockwright.rollout.plan import Plan, PlannedWave, Step
from dockwright.rollout.target import Target
from dockwright.rollout.verdict import Course
from dockwright.spec.model import Instance

AGAIN = 2.0
SHOWN = 8  # lines of what a program wrote that failed
End = Literal["done", "taken back", "stopped"]


@dataclass(frozen=True)
class Failure:
    """Why a wave failed: an instance with its last words, or a machine (then `instance` is None), and what to do."""

    machine: str
    instance: Instance | None
    why: str
    logs: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a deploy ended.

    done: every wave held. taken back: a wave failed, and all that was touched is as it was before, and healthy.
    stopped: taking back failed as well; `left` says of each instance that is not as before why, `now` how it is.
    """

    end: End
    failures: tuple[Failure, ...] = ()
    left: Mapping[Instance, str] = field(default_factory=dict)
    now: Mapping[Instance, str] = field(default_factory=dict)
    courses: Mapping[Instance, Course] = field(default_factory=dict)
    touched: tuple[Instance, ...] = ()


def deploy(
    plan: Plan,
    before: Mapping[Instance, Target],
    deadlines: Mapping[Instance, float],
    hands: Hands,
    limits: Limits,
    unproven: Sequence[Target] = (),
) -> Outcome:
    """Carry out a plan. `before`: what each instance goes back to; one that is missing there goes away again.

    `unproven`: what runs as it should since a deploy that was cut off, and was never seen to hold; it is judged with
    the rest, and taken back with it.
    """
    touched = [Step(each.instance, each.host, "replace", "it was begun", None, each, None) for each in unproven]
    courses: dict[Instance, Course] = {}
    if touched:
        hands.note("touch", wave=0, instances=[step.instance.name for step in touched])
    # How long a wave is watched lest the next one replaces what still ran.
    between = replace(limits, wave=0.0) if plan.fresh else limits
    for wave in (*plan.waves, None):
        due = _due(touched, courses, wave if plan.fresh else None)
        failures = _gate(touched, due, deadlines, hands, between, courses, last=wave is None)
        if wave and not failures:
            hands.say(f"wave {wave.number} of {len(plan.waves)} ({wave.phase}): {_names(wave.steps)}")
            failures = _begin(wave, hands, limits, touched)
        if failures:
            hands.note("failed", why=[failure.why for failure in failures])
            return _take_back(failures, touched, before, deadlines, hands, limits)
    hands.note("done")
    return Outcome("done", courses=courses, touched=tuple(step.instance for step in touched))


def confirm(targets: Sequence[Target], deadlines: Mapping[Instance, float], hands: Hands, limits: Limits) -> Outcome:
    """The end of a deploy that was cut off when nothing was left to change: whether what it brought about holds."""
    courses = hold([], deadlines, hands, limits, targets)
    failures = _failed(courses, {target.instance: target.host for target in targets}, hands)
    left = {failure.instance: failure.why for failure in failures if failure.instance}
    now = {target.instance: hands.state(target.instance, target.host) for target in targets if target.instance in left}
    hands.note("stopped" if left else "done", left={each.name: why for each, why in left.items()})
    return Outcome("stopped" if left else "done", tuple(failures), left, now, courses)


def _begin(wave: PlannedWave, hands: Hands, limits: Limits, touched: list[Step]) -> list[Failure]:
    """Start a wave: all its images are on their machines before anything stops."""
    machines = _by_machine(wave.steps)
    failed = _each(machines, hands, limits, _pull)
    if not failed:
        hands.note("touch", wave=wave.number, instances=[step.instance.name for step in wave.steps])
        touched += wave.steps
        failed = _each(machines, hands, limits, _put)
    return list(failed.values())


def _due(touched: Sequence[Step], courses: Mapping[Instance, Course], then: PlannedWave | None) -> list[Target]:
    """What must be healthy now: all that was started and not yet judged; where `then` is given, as nothing ran before,
    only those that this next wave waits for.

    From nothing there is nothing to protect from a bad wave, and waiting for each would take as long as the slowest
    starts of all waves together.
    """
    due = [step.target for step in touched if step.target and step.instance not in courses]
    return [target for target in due if then is None or target.instance in then.waits]


def _gate(
    touched: Sequence[Step],
    due: Sequence[Target],
    deadlines: Mapping[Instance, float],
    hands: Hands,
    limits: Limits,
    courses: dict[Instance, Course],
    *,
    last: bool,
) -> list[Failure]:
    """Wait until what is due is healthy. What was so before must be so still."""
    if not due and not last:
        return []
    held = [step.target for step in touched if step.target and step.instance in courses]
    seen = hold(due, deadlines, hands, limits, held, last=last)
    courses |= {each: course for each, course in seen.items() if each not in courses}
    return _failed(seen, {step.instance: step.host for step in touched if step.target}, hands)


def _failed(courses: Mapping[Instance, Course], hosts: Mapping[Instance, str], hands: Hands) -> list[Failure]:
    return [
        Failure(
            hosts[instance],
            instance,
            f"{instance.name}: {course.verdict.value}{', ' + course.reason if course.reason else ''}",
            tuple(hands.evidence(instance, hosts[instance])),
        )
        for instance, course in courses.items()
        if course.verdict.failed
    ]


def _take_back(
    failures: Sequence[Failure],
    touched: Sequence[Step],
    before: Mapping[Instance, Target],
    deadlines: Mapping[Instance, float],
    hands: Hands,
    limits: Limits,
) -> Outcome:
    """Bring every touched instance back to what it was. Tried once: what fails here is reported, not tried for ever."""
    instances = tuple(dict.fromkeys(step.instance for step in touched))
    hands.note("take back", instances=[each.name for each in instances])
    if instances:
        hands.say(f"taking back {len(instances)} instances")
    left: dict[Instance, str] = {}
    restored: list[Target] = []
    machines = _by_machine([_back(step, before) for step in _last(touched)])
    broken = _each(machines, hands, limits, _restore)
    for machine, steps in machines.items():
        for step in steps:
            if machine in broken:
                left[step.instance] = broken[machine].why
            elif step.target:
                restored.append(step.target)
    courses = hold(restored, deadlines, hands, limits)
    hosts = {target.instance: target.host for target in restored}
    left |= {failure.instance: failure.why for failure in _failed(courses, hosts, hands) if failure.instance}
    end: End = "stopped" if left else "taken back"
    now = {each: hands.state(each, step.host) for step in _last(touched) if (each := step.instance) in left}
    hands.note(end, left={each.name: f"{why}; now: {now[each]}" for each, why in left.items()})
    return Outcome(end, tuple(failures), left, now, courses, instances)


def _pull(machine: str, steps: Sequence[Step], hands: Hands) -> None:
    wanted = [step.target for step in steps if step.target]
    if wanted:
        hands.pull(machine, wanted)


def _put(machine: str, steps: Sequence[Step], hands: Hands) -> None:
    hands.put(machine, steps)


def _restore(machine: str, steps: Sequence[Step], hands: Hands) -> None:
    _pull(machine, steps, hands)
    hands.put(machine, steps)


def _back(step: Step, before: Mapping[Instance, Target]) -> Step:
    target = before.get(step.instance)
    if target and target.host != step.host:
        target = None  # It goes back to where it was, and away from here.
    kind: Literal["replace", "remove"] = "replace" if target else "remove"
    return Step(step.instance, step.host, kind, "its wave failed", step.before, target, step.downtime)


def _last(touched: Sequence[Step]) -> list[Step]:
    return list({(step.instance, step.host): step for step in touched}.values())


def _each(
    machines: Mapping[str, Sequence[Step]],
    hands: Hands,
    limits: Limits,
    act: Callable[[str, Sequence[Step], Hands], None],
) -> dict[str, Failure]:
    """Do something on every machine, side by side; machine -> why it failed there."""
    tries = [partial(_try, name, hands, limits, partial(act, name, steps, hands)) for name, steps in machines.items()]
    ends = zip(machines, hands.side_by_side(tries), strict=True)
    return {machine: failure for machine, failure in ends if failure}


def _try(machine: str, hands: Hands, limits: Limits, action: Callable[[], None]) -> Failure | None:
    """Do something on a machine; while it is out of reach again, for a time."""
    began = hands.clock()
    while True:
        try:
            action()
        except Unreachable as error:
            if hands.clock() - began >= limits.patience:
                return Failure(machine, None, f"{machine} does not answer: {error}")
            hands.say(f"  {machine} does not answer: {error}; trying again")
            hands.pause(AGAIN)
        except DockwrightError as error:
            said = tuple(getattr(error, "output", "").splitlines()[-SHOWN:])
            return Failure(machine, None, f"{machine}: {error}", said, error.remedy)
        else:
            return None


def _by_machine(steps: Sequence[Step]) -> dict[str, list[Step]]:
    found: dict[str, list[Step]] = {}
    for step in steps:
        found.setdefault(step.host, []).append(step)
    return found


def _names(steps: Sequence[Step]) -> str:
    return ", ".join(step.instance.name for step in steps)
