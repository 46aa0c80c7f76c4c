"""A plan names what changes and why, leaves the rest alone, and says so when there is nothing to do."""

from __future__ import annotations

from dataclasses import replace

from rollout.test_deploy import FLEET, OLD, targets

from dockwright.rollout.plan import plan
from dockwright.rollout.target import Seen
from dockwright.spec.model import Instance

RUNNING = {each: Seen(each.machine, target.image, "config", "running") for each, target in OLD.items()}
EAR = Instance("Ear", "pc2")


def test_nothing_to_do_is_an_empty_plan_that_names_what_stays() -> None:
    made = plan(FLEET, OLD, RUNNING, {})
    assert made.empty
    assert set(made.kept) == set(FLEET.instances())


def test_from_nothing_everything_is_started_in_waves() -> None:
    made = plan(FLEET, OLD, {}, {})
    assert [(wave.number, wave.phase, len(wave.steps)) for wave in made.waves] == [
        (1, "core", 1),
        (2, "core", 1),
        (3, "rest", 3),
        (4, "no phase", 1),
    ]
    assert {step.kind for step in made.steps} == {"start"}
    assert made.notes == ("mainpc/Eye is in no phase: it goes last",)


def test_each_reason_for_a_replacement_is_said() -> None:
    for seen, why in (
        (replace(RUNNING[EAR], image="sha256:0123456789abcdef"), "image 0123456789ab -> one-ear"),
        (replace(RUNNING[EAR], config="other"), "how it is started has changed"),
        (replace(RUNNING[EAR], state="exited"), "its container is exited"),
    ):
        made = plan(FLEET, OLD, {**RUNNING, EAR: seen}, {EAR: 2.5})
        (step,) = made.steps
        assert (step.instance, step.kind, step.why, step.downtime) == (EAR, "replace", why, 2.5)


def test_what_the_release_does_not_have_goes_last() -> None:
    wanted = targets("two", "Registry")
    del wanted[EAR]
    made = plan(FLEET, wanted, RUNNING, {})
    assert [(wave.phase, [step.kind for step in wave.steps]) for wave in made.waves] == [
        ("core", ["replace"]),
        ("leftovers", ["remove"]),
    ]
    assert made.steps[-1].why == "the release does not have it"
