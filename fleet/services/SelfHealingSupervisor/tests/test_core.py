"""Single decisions of the core, on simulated time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from self_healing_supervisor.core.facts import Facts, Health, Shape
from self_healing_supervisor.core.fleet import order
from self_healing_supervisor.core.memory import Breaker, Kind, Remedy, State
from self_healing_supervisor.core.policy import Policy
from supervisor_model import Instance, Nature, World


def settled(*instances: Instance) -> World:
    world = World(*(instances or (Instance("A"),)))
    world.run(70)
    assert {memory.state for memory in world.memories.values()} == {State.HEALTHY}
    assert not world.done
    return world


def test_a_crash_is_answered_at_once() -> None:
    world = settled()
    world.instances["A"].end(world.now)
    world.tick()
    assert [decision.kind for _, decision in world.done] == [Kind.CRASHED]
    assert world.until_healthy("A", 5.0) <= 5.0


def test_a_hung_instance_is_killed_after_three_misses() -> None:
    world = settled()
    began = world.now
    world.instances["A"].nature = Nature.HANGS
    while not world.done:
        assert world.now - began < 15
        world.tick()
    assert (world.done[0][1].kind, world.done[0][1].remedy) == (Kind.HUNG, Remedy.KILL)
    assert world.instances["A"].facts.misses == 0


def test_two_misses_are_not_a_hang() -> None:
    world = settled()
    one = world.instances["A"]
    one.facts = replace(one.facts, health=Health.SILENT, misses=2)
    one.asked = world.now + 60
    world.run(60)
    assert not world.done
    assert world.memories["A"].state is State.SUSPECT


def test_a_slow_boot_inside_its_deadline_is_left_alone() -> None:
    one = Instance("A", boot=9.0)
    world = World(one)
    one.start(world.now)
    world.run(12)
    assert not world.done
    assert world.memories["A"].state is State.HEALTHY


def test_the_deadline_of_a_start_grows_until_a_grown_start_fits() -> None:
    one = Instance("A", boot=70.0)  # ten seconds were promised
    world = World(one)
    one.start(world.now)
    world.until_healthy("A", 1000.0)
    gaps = [later - sooner for (sooner, _), (later, _) in pairwise(world.done)]
    assert {decision.kind for _, decision in world.done} == {Kind.BOOT_RAN_OUT}
    assert gaps == sorted(gaps)
    assert len(world.done) == 3


def test_an_instance_that_gives_reasons_has_a_longer_patience() -> None:
    world = settled()
    one = world.instances["A"]
    one.nature = Nature.UNWELL
    world.run(110)
    assert not world.done
    assert world.memories["A"].state is State.UNWELL
    world.run(20)
    assert [(decision.kind, decision.remedy) for _, decision in world.done] == [(Kind.UNWELL, Remedy.RESTART)]
    world.run(200)
    assert len(world.done) == 1, "a restart that did not help is not repeated at the same pace"


def test_restarts_wait_longer_each_time_and_then_the_breaker_opens() -> None:
    world = settled()
    world.instances["A"].nature = Nature.CRASHES
    world.run(200)
    times = [at for at, _ in world.done]
    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert len(times) == world.policy.max_restarts
    assert gaps == sorted(gaps)
    assert gaps[-1] >= 8
    assert (world.memories["A"].state, world.memories["A"].breaker) == (State.BROKEN, Breaker.OPEN)


def test_an_open_breaker_tries_once_after_its_cool_down_and_then_waits_twice_as_long() -> None:
    world = settled()
    world.instances["A"].nature = Nature.CRASHES
    world.run(100)
    made = len(world.done)
    world.run(world.policy.cool_down)
    assert len(world.done) == made + 1
    assert world.memories["A"].cool_down == 2 * world.policy.cool_down
    world.run(world.policy.cool_down * 1.6)
    assert len(world.done) == made + 1


def test_a_trial_that_holds_closes_the_breaker() -> None:
    world = settled()
    world.instances["A"].nature = Nature.CRASHES
    world.run(100)
    world.instances["A"].nature = Nature.GOOD
    world.run(world.policy.cool_down + world.policy.stable + 5)
    assert (world.memories["A"].state, world.memories["A"].breaker) == (State.HEALTHY, Breaker.CLOSED)
    assert world.memories["A"].failures == 0


def test_a_signal_from_outside_waits_for_the_announcement_of_a_stop() -> None:
    world = settled()
    one = world.instances["A"]
    one.end(world.now, signalled=True)
    world.run(0.75)
    assert not world.done
    one.facts = replace(one.facts, held=True)  # the stop was announced
    world.run(600, 1)
    assert not world.done
    assert world.memories["A"].state is State.HELD


def test_a_kill_from_outside_without_a_stop_is_a_crash() -> None:
    world = settled()
    world.instances["A"].end(world.now, signalled=True)
    assert world.until_healthy("A", 5.0) <= 5.0


@pytest.mark.parametrize(("seen", "grace"), [(True, "removed_grace"), (False, "absent_grace")])
def test_a_missing_container_is_made_again_after_its_grace(seen: bool, grace: str) -> None:
    one = Instance("A")
    world = World(one)
    one.facts = Facts(shape=Shape.ABSENT, seen=seen)
    seconds = getattr(world.policy, grace)
    world.run(seconds - 0.5)
    assert not world.done
    world.run(1)
    assert [(decision.kind, decision.remedy) for _, decision in world.done] == [(Kind.REMOVED, Remedy.RECREATE)]


def test_a_paused_container_is_its_operators_affair() -> None:
    world = settled()
    world.instances["A"].end(world.now, Shape.PAUSED)
    world.run(600, 1)
    assert not world.done


def test_after_a_reboot_instances_start_in_the_order_of_their_dependencies() -> None:
    names = {"C": ("B",), "B": ("A",), "A": (), "D": ("A", "elsewhere")}
    world = World(*(Instance(name, depends) for name, depends in names.items()))
    for one in world.instances.values():
        one.facts = replace(one.facts, shape=Shape.ENDED, seen=False)
    started: dict[str, float] = {}
    healthy: dict[str, float] = {}
    while len(healthy) < len(names):
        assert world.now < 60
        world.tick()
        started |= {decision.name: at for at, decision in world.done}
        for name, memory in world.memories.items():
            if memory.state is State.HEALTHY:
                healthy.setdefault(name, world.now)
    assert {decision.kind for _, decision in world.done} == {Kind.FOUND_DOWN}
    for name, depends in names.items():
        assert all(healthy[other] <= started[name] for other in depends if other in names)


def test_a_dependency_that_never_comes_is_not_waited_for_for_ever() -> None:
    first, second = Instance("A"), Instance("B", ("A",))
    world = World(first, second)
    first.nature = Nature.UNWELL
    second.facts = replace(second.facts, shape=Shape.ENDED)
    world.run(world.policy.depends_patience - 5)
    assert not any(decision.name == "B" for _, decision in world.done)
    world.run(10)
    assert any(decision.name == "B" for _, decision in world.done)


def test_silence_of_most_instances_at_once_is_doubted_and_then_treated_one_by_one() -> None:
    world = settled(*(Instance(f"I{number}") for number in range(5)))
    began = world.now
    for one in world.instances.values():
        one.nature = Nature.HANGS
    while not world.done:
        assert world.now - began < 60
        world.tick()
    assert world.now - began > 10
    assert len(world.done) == 1


def test_order_survives_a_circle() -> None:
    assert sorted(order({"A": ("B",), "B": ("A",), "C": ("B",)})) == ["A", "B", "C"]


def test_a_cool_down_shorter_than_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match="window"):
        Policy(window=100, cool_down=50)
