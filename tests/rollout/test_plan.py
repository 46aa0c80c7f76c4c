"""A plan names what changes and why, leaves the rest alone, and says so when there is nothing to do."""

from __future__ import annotations

from dataclasses import replace

from rollout.test_deploy import FLEET, OLD, targets

from dockwright.rollout.plan import plan
from dockwright.rollout.target import MISSING, Seen
from dockwright.spec.model import Instance

RUNNING = {each: Seen(each, each.machine, target.image, "config", "running") for each, target in OLD.items()}
EAR = Instance("Ear", "pc2")


def test_nothing_to_do_is_an_empty_plan_that_names_what_stays() -> None:
    made = plan(FLEET, OLD, RUNNING.values(), {})
    assert made.empty
    assert set(made.kept) == set(FLEET.instances())


def test_from_nothing_everything_is_started_in_waves() -> None:
    made = plan(FLEET, OLD, (), {})
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
        made = plan(FLEET, OLD, {**RUNNING, EAR: seen}.values(), {EAR: 2.5})
        (step,) = made.steps
        assert (step.instance, step.kind, step.why, step.downtime) == (EAR, "replace", why, 2.5)


def test_what_the_release_does_not_have_goes_last() -> None:
    wanted = targets("two", "Registry")
    del wanted[EAR]
    made = plan(FLEET, wanted, RUNNING.values(), {})
    assert [(wave.phase, [step.kind for step in wave.steps]) for wave in made.waves] == [
        ("core", ["replace"]),
        ("leftovers", ["remove"]),
    ]
    assert made.steps[-1].why == "the release does not have it"


def test_what_a_machine_is_told_to_run_and_does_not_is_started_or_forgotten() -> None:
    missing = replace(RUNNING[EAR], state=MISSING)
    (step,) = plan(FLEET, OLD, {**RUNNING, EAR: missing}.values(), {}).steps
    assert (step.kind, step.why, step.before) == ("start", "it has no container", None)
    wanted = {each: target for each, target in OLD.items() if each != EAR}
    (step,) = plan(FLEET, wanted, {**RUNNING, EAR: missing}.values(), {}).steps
    assert (step.kind, step.host, step.why) == ("remove", "pc2", "the release does not have it")


def test_a_guest_goes_when_it_is_healthy_where_it_belongs() -> None:
    guest = replace(RUNNING[EAR], host="mainpc")
    made = plan(FLEET, OLD, {**RUNNING, EAR: guest}.values(), {})
    assert [(wave.phase, [(step.kind, step.host, step.why) for step in wave.steps]) for wave in made.waves] == [
        ("rest", [("start", "pc2", "it has no container")]),
        ("leftovers", [("remove", "mainpc", "it runs on pc2")]),
    ]
    made = plan(FLEET, OLD, [*RUNNING.values(), guest], {})
    assert [(step.kind, step.host) for step in made.steps] == [("remove", "mainpc")]
    assert EAR in made.kept
