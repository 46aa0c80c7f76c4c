"""Waves: phases in their order, whoever is waited for first, everything exactly once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rollout.fleets import Given, fleet, phase
from rollout.test_choice import fleets

from dockwright.rollout.waves import NO_PHASE, waited_for, waves
from dockwright.spec.model import Fleet, Instance


def names(made: Fleet) -> list[tuple[str, list[str]]]:
    order = waves(made, [each for each in made.instances() if each.service in made.implementations])
    return [(wave.phase, [each.name for each in wave.instances]) for wave in order.waves]


def test_a_phase_is_as_many_waves_as_its_instances_wait_for_each_other() -> None:
    made = fleet(
        [
            Given("Web", own={"depends": ("Registry",)}),
            Given("Registry"),
            Given("Ear", ("pc2",), own={"depends": ("Web",)}),
        ],
        (phase("core", "Registry", "Web"), phase("rest")),
    )
    assert names(made) == [("core", ["mainpc/Registry"]), ("core", ["mainpc/Web"]), ("rest", ["pc2/Ear"])]


def test_whoever_is_waited_for_is_taken_forward_and_the_waves_say_so() -> None:
    made = fleet(
        [Given("Core", own={"depends": ("Store",)}), Given("Store", ("pc2",)), Given("Other", ("pc2",))],
        (phase("core", "Core"), phase("rest", "Other", "Store")),
    )
    order = waves(made, made.instances())
    assert [[each.name for each in wave.instances] for wave in order.waves] == [
        ["pc2/Store"],
        ["mainpc/Core"],
        ["pc2/Other"],
    ]
    assert order.notes == ("pc2/Store goes with core and not with rest: it is waited for there",)


def test_an_instance_in_no_phase_goes_last_and_the_waves_say_so() -> None:
    made = fleet([Given("Stray"), Given("Core")], (phase("core", "Core"),))
    order = waves(made, made.instances())
    assert [wave.phase for wave in order.waves] == ["core", NO_PHASE]
    assert order.notes == ("mainpc/Stray is in no phase: it goes last",)


def test_a_service_is_waited_for_on_its_own_machine_or_else_on_every_one() -> None:
    made = fleet(
        [Given("Bus", ("mainpc", "pc2")), Given("Ear", ("mainpc", "pc3"), own={"depends": ("Bus",)})],
    )
    every = made.instances()
    assert waited_for(made, Instance("Ear", "mainpc"), every) == [Instance("Bus", "mainpc")]
    assert waited_for(made, Instance("Ear", "pc3"), every) == [Instance("Bus", "mainpc"), Instance("Bus", "pc2")]


@given(fleets(), st.data())
def test_everyone_is_in_one_wave_and_after_those_that_it_waits_for(made: Fleet, data: st.DataObject) -> None:
    able = [each for each in made.instances() if each.service in made.implementations]
    asked = data.draw(st.lists(st.sampled_from(able), unique=True)) if able else []
    order = waves(made, asked)
    number = {each: wave.number for wave in order.waves for each in wave.instances}
    assert sorted(each for wave in order.waves for each in wave.instances) == sorted(asked)
    assert all(wave.instances for wave in order.waves)
    assert [wave.number for wave in order.waves] == list(range(1, len(order.waves) + 1))
    for each in asked:
        assert all(number[other] < number[each] for other in waited_for(made, each, asked))
