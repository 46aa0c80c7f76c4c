"""Whatever happens to an instance: the rate of restarts, holds, the breaker, and that it heals once it can."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from self_healing_supervisor.core.facts import Shape
from self_healing_supervisor.core.memory import Breaker, State
from supervisor_model import Instance, Nature, World

LEFT_ALONE = (State.HELD, State.UNWANTED, State.PAUSED)


class Supervised(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.one = Instance("A")
        self.world = World(self.one)
        self.counted = 0  # decisions before this one do not count towards the rate: an operator wiped the slate
        self.checked = 0

    def let(self, **change: object) -> None:
        self.one.facts = replace(self.one.facts, **change)  # type: ignore[arg-type]

    @rule(nature=st.sampled_from(Nature))
    def becomes(self, nature: Nature) -> None:
        self.one.nature = nature

    @rule(signalled=st.booleans(), shape=st.sampled_from([Shape.ENDED, Shape.ABSENT, Shape.PAUSED, Shape.BUSY]))
    def ends(self, signalled: bool, shape: Shape) -> None:
        self.one.end(self.world.now, shape, signalled)

    @rule()
    def starts_from_outside(self) -> None:
        self.one.start(self.world.now)

    @rule(can=st.booleans())
    def image_comes_and_goes(self, can: bool) -> None:
        self.one.startable = can

    @rule(boot=st.floats(0, 100))
    def boots_slower(self, boot: float) -> None:
        self.one.boot = boot

    @rule(seconds=st.floats(0.1, 900))
    def time_passes(self, seconds: float) -> None:
        self.world.run(seconds, max(0.25, seconds / 400))

    @rule(seconds=st.floats(0.1, 900), wanted=st.booleans())
    def is_left_alone_for(self, seconds: float, wanted: bool) -> None:
        before = len(self.world.done)
        self.let(held=wanted, wanted=wanted)
        self.world.run(seconds, max(0.25, seconds / 100))
        assert len(self.world.done) == before
        assert self.world.memories["A"].state in LEFT_ALONE
        self.let(held=False, wanted=True)
        self.counted = before

    @rule()
    def can_heal_and_does(self) -> None:
        self.one.nature, self.one.startable, self.one.boot = Nature.GOOD, True, 1.0
        if self.one.facts.shape in (Shape.PAUSED, Shape.BUSY):
            self.one.end(self.world.now)
        policy = self.world.policy
        longest = policy.cool_down_max + policy.boot_max + policy.unwell_max + policy.depends_patience
        self.world.until_healthy("A", longest, 1.0)
        self.world.run(policy.stable + 5, 1.0)
        memory = self.world.memories["A"]
        assert (memory.state, memory.breaker, memory.failures) == (State.HEALTHY, Breaker.CLOSED, 0)

    @rule()
    def crashes_for_ever_and_the_breaker_opens(self) -> None:
        self.one.nature, self.one.startable = Nature.CRASHES, True
        self.one.start(self.world.now)
        self.world.run(100, 0.5)
        assert self.world.memories["A"].breaker is not Breaker.CLOSED
        before = len(self.world.done)
        self.world.run(self.world.policy.cool_down - 101, 1.0)
        assert len(self.world.done) - before <= 1

    @invariant()
    def rate_is_kept(self) -> None:
        policy = self.world.policy
        times = [at for at, _ in self.world.done[self.counted :]]
        for later, at in enumerate(times[policy.max_restarts :]):
            assert at - times[later] >= policy.window, f"more than {policy.max_restarts} in {policy.window} s: {times}"


Supervised.TestCase.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
TestSupervised = Supervised.TestCase
