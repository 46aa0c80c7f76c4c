"""A deploy against machines that fail at any step: it ends right, or says exactly what it could not do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st
from rollout.fleets import Given, fleet, phase

from dockwright.errors import CommandFailed, Unreachable
from dockwright.rollout.deploy import Outcome, deploy
from dockwright.rollout.hold import Limits
from dockwright.rollout.plan import Plan, Step, plan
from dockwright.rollout.target import Seen, Target
from dockwright.rollout.verdict import Answer
from dockwright.rollout.waves import waited_for
from dockwright.spec.model import Instance

T = TypeVar("T")
Place = tuple[Instance, str]  # an instance on a machine: it may be there as a guest
NAMES = ("Registry", "Bus", "Brain", "Ear", "Eye")
FLEET = fleet(
    [
        Given("Registry"),
        Given("Bus", ("pc2",), own={"depends": ("Registry",)}),
        Given("Brain", ("mainpc", "pc2"), own={"depends": ("Bus",)}),
        Given("Ear", ("pc2",)),
        Given("Eye", ("mainpc",)),
    ],
    (phase("core", "Registry", "Bus"), phase("rest", "Brain", "Ear")),
)


class Killed(BaseException):
    """The tool was killed here."""


@dataclass
class World:
    """Two machines in memory. `failures`: number of a call -> what happens at it; a cut link lasts some calls."""

    running: dict[Place, str] = field(default_factory=dict)
    pulled: set[tuple[str, str]] = field(default_factory=set)
    bad: frozenset[str] = frozenset()
    failures: Mapping[int, str] = field(default_factory=dict)
    calls: int = 0
    now: float = 0.0
    cut_until: dict[str, float] = field(default_factory=dict)
    started: dict[Place, float] = field(default_factory=dict)
    dies: dict[Instance, float] = field(default_factory=dict)
    old: dict[Instance, Target] = field(default_factory=lambda: OLD)
    noted: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def _call(self, machine: str) -> None:
        self.calls += 1
        self.now += 0.1
        what = self.failures.get(self.calls, "")
        if what == "killed":
            raise Killed
        if what.startswith("cut"):
            self.cut_until[machine] = self.now + float(what.split()[1])
        if self.now < self.cut_until.get(machine, 0.0):
            raise Unreachable(f"no route to {machine}")
        if what == "broken":
            raise CommandFailed("no space left on device")

    def pull(self, machine: str, targets: Sequence[Target]) -> None:
        for target in targets:
            self._call(machine)
            self.pulled.add((machine, target.image))

    def put(self, machine: str, steps: Sequence[Step]) -> None:
        for step in steps:
            self._call(machine)
            assert self.noted[-1][0] in ("touch", "take back"), "what is about to change is written down first"
            if step.target is None:
                self.running.pop((step.instance, machine), None)
                continue
            assert (machine, step.target.image) in self.pulled, "nothing stops before its image is there"
            if self.running.get((step.instance, machine)) != step.target.image:
                self.running[step.instance, machine] = step.target.image
                self.started[step.instance, machine] = self.now

    def look(self, machine: str, targets: Sequence[Target]) -> Mapping[Instance, Answer]:
        self._call(machine)
        return {target.instance: self._answer(target.instance, machine) for target in targets}

    def _answer(self, instance: Instance, machine: str) -> Answer:
        image = self.running.get((instance, machine))
        age = self.now - self.started.get((instance, machine), 0.0)
        if image != self.old[instance].image and age > self.dies.get(instance, age):
            return Answer(age, alive=False, ok=False, work=1, reason="exit code 3")
        well = image is not None and image not in self.bad and age > 1
        return Answer(age, image is not None, well, 1, "" if well else "it says no")

    def evidence(self, instance: Instance, host: str) -> Sequence[str]:
        return (f"{instance.service} on {host} wrote this",)

    def state(self, instance: Instance, host: str) -> str:
        return f"on {host} it runs {self.running.get((instance, host))}"

    def note(self, event: str, **facts: object) -> None:
        self.noted.append((event, facts))

    def say(self, text: str) -> None:
        self.said.append(text)

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def side_by_side(self, tasks: Sequence[Callable[[], T]]) -> Sequence[T]:
        return [task() for task in tasks]


def targets(release: str, *names: str, guests: Collection[str] = ()) -> dict[Instance, Target]:
    """What a release wants: these services' images are its own, the others' are the first release's. `guests`: services
    of pc2 that mainpc has.
    """
    return {
        each: Target(
            each,
            "mainpc" if each.service in guests else each.machine,
            release,
            f"sha256:{release if each.service in names else 'one'}-{each.service.lower()}",
            f"registry.example/{each.service.lower()}",
            "config",
            8000,
            20,
        )
        for each in FLEET.instances()
    }


OLD: dict[Instance, Target] = targets("one", *NAMES)
DEADLINES = dict.fromkeys(FLEET.instances(), 20.0)


def settled(old: dict[Instance, Target] = OLD) -> World:
    """A world in which the first release runs."""
    world = World(old=old)
    world.running = images(old)
    world.pulled = {(target.host, target.image) for target in old.values()}
    return world


def seen(world: World) -> list[Seen]:
    return [Seen(each, host, image, "config", "running") for (each, host), image in world.running.items()]


def planned(world: World, wanted: Mapping[Instance, Target]) -> Plan:
    return plan(FLEET, wanted, seen(world), {})


def images(wanted: Mapping[Instance, Target]) -> dict[Place, str]:
    return {(each, target.host): target.image for each, target in wanted.items()}


def run(world: World, wanted: Mapping[Instance, Target]) -> Outcome:
    return deploy(planned(world, wanted), world.old, DEADLINES, world, Limits())


def test_a_good_release_replaces_what_differs_and_nothing_else() -> None:
    world = settled()
    outcome = run(world, targets("two", "Bus"))
    assert outcome.end == "done"
    assert outcome.touched == (Instance("Bus", "pc2"),)
    assert world.running == images(targets("two", "Bus"))
    assert world.noted[-1][0] == "done"


def test_a_bad_wave_takes_back_every_machine_and_the_waves_before_it() -> None:
    world = settled()
    world.bad = frozenset({"sha256:two-brain"})
    outcome = run(world, targets("two", "Registry", "Brain", "Eye"))
    assert outcome.end == "taken back"
    assert world.running == images(OLD)
    assert {failure.machine for failure in outcome.failures} == {"mainpc", "pc2"}
    assert Instance("Eye", "mainpc") not in outcome.touched, "a later wave is never begun"
    assert Instance("Registry", "mainpc") in outcome.touched
    assert outcome.failures[0].logs == ("Brain on mainpc wrote this",)


def test_one_that_falls_while_a_later_wave_starts_fails_the_deploy() -> None:
    world = settled()
    world.dies = {Instance("Registry", "mainpc"): 6.0}
    outcome = run(world, targets("two", "Registry", "Brain", "Eye"))
    assert outcome.end == "taken back"
    assert [failure.instance for failure in outcome.failures] == [Instance("Registry", "mainpc")]
    assert world.running == images(OLD)


def test_what_was_not_there_before_goes_away_again() -> None:
    world = World(bad=frozenset({"sha256:one-ear"}))
    outcome = deploy(planned(world, OLD), {}, DEADLINES, world, Limits())
    assert outcome.end == "taken back"
    assert world.running == {}


def test_an_image_that_cannot_be_pulled_stops_nothing() -> None:
    world = settled()
    world.failures = {1: "broken"}
    outcome = run(world, targets("two", "Bus"))
    assert outcome.end == "taken back"
    assert outcome.touched == ()
    assert "no space left" in outcome.failures[0].why


def test_a_link_that_is_cut_for_a_while_is_waited_for() -> None:
    world = settled()
    world.failures = {2: "cut 20"}
    assert run(world, targets("two", "Bus")).end == "done"
    assert world.running == images(targets("two", "Bus"))


def test_a_take_back_that_fails_stops_and_says_how_each_instance_is() -> None:
    world = settled()
    world.bad = frozenset({"sha256:two-bus", "sha256:one-bus"})
    outcome = run(world, targets("two", "Bus", "Registry"))
    assert outcome.end == "stopped"
    assert set(outcome.left) == {Instance("Bus", "pc2")}
    assert outcome.now == {Instance("Bus", "pc2"): "on pc2 it runs sha256:one-bus"}
    assert sum(event == "take back" for event, _ in world.noted) == 1, "a take-back never loops"


def test_a_guest_moves_to_where_it_belongs_and_back_when_a_later_wave_fails() -> None:
    world = settled(targets("one", *NAMES, guests={"Ear"}))
    outcome = run(world, targets("two", "Ear"))
    assert outcome.end == "done"
    assert world.running == images(targets("two", "Ear"))
    world = settled(targets("one", *NAMES, guests={"Ear"}))
    world.bad = frozenset({"sha256:two-eye"})
    outcome = run(world, targets("two", "Ear", "Eye"))
    assert outcome.end == "taken back"
    assert world.running == images(world.old)


services = st.sets(st.sampled_from(NAMES))
guests = st.sets(st.sampled_from(("Bus", "Ear")))
failing = st.dictionaries(
    st.integers(1, 40),
    st.sampled_from(("broken", "killed", "cut 1", "cut 20", f"cut {Limits().patience * 3}")),
    max_size=4,
)


@settings(max_examples=400, deadline=None)
@given(services, guests, guests, st.sets(st.sampled_from([*NAMES, "old"])), failing)
def test_whatever_fails_the_end_is_what_the_outcome_says(
    changed: set[str], had: set[str], has: set[str], bad: set[str], failures: dict[int, str]
) -> None:
    world = settled(targets("one", *NAMES, guests=had))
    wanted = targets("two", *changed, guests=has)
    world.bad = frozenset(f"sha256:two-{name.lower()}" for name in bad)
    world.failures = failures
    planning = planned(world, wanted)
    allowed = {step.instance for step in planning.steps}
    try:
        outcome = deploy(planning, world.old, DEADLINES, world, Limits())
    except Killed:
        _is_completed_or_taken_back(world, wanted)
        return
    touched = _otherwise(world)
    assert touched <= allowed
    if outcome.end == "done":
        assert world.running == images(wanted)
    elif outcome.end == "taken back":
        assert world.running == images(world.old)
        assert outcome.failures
    else:
        assert outcome.left
        assert touched <= set(outcome.left), "what is not as before is named"


def _is_completed_or_taken_back(world: World, wanted: Mapping[Instance, Target]) -> None:
    """After the tool was killed: the same release again completes it, the one before takes it back."""
    named = {name for event, facts in world.noted if event == "touch" for name in facts["instances"]}  # type: ignore[attr-defined]
    assert {each.name for each in _otherwise(world)} <= named
    world.failures, world.bad, world.cut_until = {}, frozenset(), {}
    assert run(world, wanted).end == "done"
    assert world.running == images(wanted)
    assert run(world, world.old).end == "done"
    assert world.running == images(world.old)


def _otherwise(world: World) -> set[Instance]:
    """The instances that are not as they were."""
    return {each for (each, _), _ in images(world.old).items() ^ world.running.items()}


class Ordered(World):
    """One in which nobody is started before those that it waits for are healthy."""

    def put(self, machine: str, steps: Sequence[Step]) -> None:
        for step in steps:
            for other in waited_for(FLEET, step.instance, OLD) if step.target else ():
                assert self._answer(other, other.machine).ok, f"{other.name} is waited for by {step.instance.name}"
        super().put(machine, steps)


def test_from_nothing_only_those_that_are_waited_for_are_waited_for() -> None:
    world = Ordered()
    assert deploy(planned(world, OLD), {}, DEADLINES, world, Limits(wave=100.0)).end == "done"
    assert world.running == images(OLD)
    began = {each.service: time for (each, _), time in world.started.items()}
    assert began["Eye"] - began["Ear"] < 1, "a second is what each takes to be healthy"
    assert began["Brain"] - began["Bus"] > 1
    assert world.now < 100, "all are watched together in the end"


def test_from_nothing_one_that_falls_takes_everything_away_again() -> None:
    world = Ordered(dies={Instance("Registry", "mainpc"): 7.0}, old=targets("none", *NAMES))
    outcome = deploy(planned(world, OLD), {}, DEADLINES, world, Limits(end=30.0))
    assert (outcome.end, world.running) == ("taken back", {})
    assert [failure.instance for failure in outcome.failures] == [Instance("Registry", "mainpc")]


@settings(max_examples=200, deadline=None)
@given(services, failing)
def test_from_nothing_the_end_is_what_the_outcome_says(bad: set[str], failures: dict[int, str]) -> None:
    world = Ordered(bad=frozenset(f"sha256:one-{name.lower()}" for name in bad), failures=failures)
    try:
        outcome = deploy(planned(world, OLD), {}, DEADLINES, world, Limits())
    except Killed:
        again = planned(world, OLD)
        world.failures, world.cut_until = {}, {}
        named = {name for event, facts in world.noted if event == "touch" for name in facts["instances"]}  # type: ignore[attr-defined]
        unproven = [OLD[each] for each in again.kept if each.name in named]
        outcome = deploy(again, {}, DEADLINES, world, Limits(), unproven) if again.steps else Outcome("done")
        if not again.steps:
            return
    if outcome.end == "done":
        assert (world.running, bad) == (images(OLD), set())
    elif outcome.end == "taken back":
        assert world.running == {}
        assert outcome.failures
    else:
        assert {each for each, _ in world.running} <= set(outcome.left)
