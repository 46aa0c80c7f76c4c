"""Questions about a small fleet and their answers, word for word where a person reads them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from system_digital_twin.answers import simulation
from system_digital_twin.declared import Declared
from system_digital_twin.models import MachineFit, ResourceView, Simulation
from system_digital_twin.resolve import Contradiction
from system_digital_twin.sight import Sight
from system_digital_twin.simulate import simulate
from system_digital_twin.wishes import Question
from twin_cases import MAINPC, card, declared, instance, seen, unseen, use

NO_RESERVE = {"memory_mb": 0, "gpu_memory_mb": 0, "disk_mb": 0, "cpus": 0}
NEW = {"service": "New", "memory_mb": 100, "cpus": 0.5, "gpu": False, "port": 7300, "health_port": 8300}


def both() -> dict[str, Sight]:
    return {"mainpc": unseen(), "pc2": seen()}


def ask(facts: Declared | None = None, sights: dict[str, Sight] | None = None, **question: Any) -> Simulation:
    asked = Question.model_validate(question)
    return simulation(simulate(asked, facts or declared(), sights or both()), asked.against, asked.suggestions)


def on(found: Simulation, machine: str) -> MachineFit:
    return next(one for one in found.machines if one.machine == machine)


def row(found: Simulation, machine: str, resource: str) -> ResourceView:
    return next(one for one in on(found, machine).resources if one.resource == resource)


def test_what_is_declared_fits() -> None:
    found = ask()
    assert (found.fits, found.fits_before, found.breaks, found.unknown) == (True, True, [], [])
    assert [one.machine for one in found.machines] == ["mainpc", "pc2"]
    memory = row(found, "mainpc", "memory")
    assert (memory.capacity, memory.used_before, memory.used_after, memory.free_after) == (65536, 22000, 22000, 43536)


def test_a_broken_limit_is_named_with_its_figures() -> None:
    found = ask(add=[{**NEW, "machine": "pc2", "gpu_memory_mb": 8000, "gpu": True}], reserve=NO_RESERVE)
    assert found.fits is False
    assert found.breaks == ["gpu_memory on pc2: needs 14,000 MB of 12,288 MB, 1,712 MB too much"]
    broken = row(found, "pc2", "gpu_memory")
    assert (broken.used_before, broken.used_after, broken.free_after) == (6000, 14000, 0)
    assert row(found, "pc2", "memory").fits is True


def test_the_reserve_is_taken_off_and_said() -> None:
    found = ask(add=[{**NEW, "machine": "pc2", "gpu": True, "gpu_memory_mb": 6000}])
    says = "needs 12,000 MB of 11,776 MB (12,288 MB less the reserve), 224 MB too much"
    assert found.breaks == [f"gpu_memory on pc2: {says}"]


def test_only_the_machines_of_a_change_are_judged() -> None:
    found = ask(against="live", add=[{**NEW, "machine": "pc2"}])
    assert [one.machine for one in found.machines] == ["pc2"]
    assert found.fits is True
    both = ask(against="live", add=[{**NEW, "machine": "pc2"}], machines=["mainpc"])
    assert both.fits == "unknown"
    assert "memory on mainpc: unknown: mainpc does not answer: connection refused" in both.unknown


def test_a_known_service_brings_its_needs() -> None:
    found = ask(add=[{"service": "Mind", "machine": "pc2"}], reserve=NO_RESERVE)
    assert found.breaks == ["gpu_memory on pc2: needs 22,000 MB of 12,288 MB, 9,712 MB too much"]
    assert row(found, "pc2", "memory").used_after == 25000


def test_a_move_frees_one_machine_and_fills_the_other() -> None:
    found = ask(move=[{"service": "Ears", "from": "mainpc", "to": "pc2"}])
    assert found.fits is True
    assert row(found, "mainpc", "gpu_memory").used_after == 16000
    assert row(found, "pc2", "gpu_memory").used_after == 8000


def test_workers_cost_their_memory_each() -> None:
    wish = {"service": "Eyes", "machine": "pc2", "workers": 8, "memory_per_worker_mb": 4000}
    found = ask(change=[wish])
    assert found.breaks == [
        "memory on pc2: needs 33,000 MB of 30,720 MB (32,768 MB less the reserve), 2,280 MB too much"
    ]


def test_cpus_only_warn() -> None:
    found = ask(change=[{"service": "Eyes", "machine": "pc2", "cpus": 7.5}])
    assert found.fits is True
    assert "cpu on pc2: needs 8.5 CPUs of 7.5 CPUs (8 CPUs less the reserve), 1 CPUs too much" in found.warnings
    assert row(found, "pc2", "cpu").fits is False


@pytest.mark.parametrize("ports", [(7103, 1), (1, 7103), (8103, 1), (1, 8103)])
def test_ports_clash_in_any_combination(ports: tuple[int, int]) -> None:
    found = ask(add=[{**NEW, "machine": "pc2", "port": ports[0], "health_port": ports[1]}])
    assert found.fits is False
    clash = max(ports)
    assert on(found, "pc2").port_conflicts[0].port == clash
    assert f"port {clash} on pc2: claimed by Eyes" in found.breaks[0]


def test_ports_that_nobody_told_are_not_passed_over() -> None:
    new = {key: value for key, value in NEW.items() if key != "port"}
    assert ask(add=[{**new, "machine": "pc2"}]).warnings[-1] == "ports on pc2: nobody said which New claims"


@pytest.mark.parametrize(
    ("left", "why"),
    [
        ("memory_mb", "memory on pc2: unknown: nobody said how much New needs"),
        ("gpu", "gpu_memory on pc2: unknown: nobody said how much New needs"),
    ],
)
def test_a_need_that_nobody_told_makes_the_answer_unknown(left: str, why: str) -> None:
    new = {key: value for key, value in NEW.items() if key != left}
    found = ask(add=[{**new, "machine": "pc2"}])
    assert found.fits == "unknown"
    assert found.unknown == [why]


def test_a_card_of_unknown_size_needs_a_card_all_the_same() -> None:
    bare = declared(machines={"mainpc": {**MAINPC, "gpu_memory_mb": 0}}, elsewhere=[])
    found = ask(bare, base="empty", add=[{**NEW, "machine": "mainpc", "gpu": True}])
    assert found.breaks == ["gpu_memory on mainpc: needs a card, there is none"]


def test_disk_is_judged_when_somebody_tells_of_it() -> None:
    new = {**NEW, "machine": "pc2"}
    silent = ask(against="live", add=[new])
    assert silent.fits is True
    assert silent.warnings == ["disk on pc2: unknown: nobody said how much New needs"]
    assert ask(against="live", add=[{**new, "disk_mb": 150_000}]).fits is True
    over = ask(against="live", add=[{**new, "disk_mb": 250_000}])
    assert over.breaks == [
        "disk on pc2: needs 550,000 MB of 494,880 MB (500,000 MB less the reserve), 55,120 MB too much"
    ]
    assert ask(add=[{**new, "disk_mb": 10}]).unknown == [
        "disk on pc2: unknown: no disk is declared; ask against what is live"
    ]


def test_of_another_machine_that_the_file_is_silent_about_little_is_known() -> None:
    silent = declared(elsewhere=None)
    found = ask(silent, add=[{**NEW, "machine": "pc2"}])
    assert found.fits == "unknown"
    assert found.unknown[0] == "memory on pc2: unknown: what is desired on pc2 is not told here"
    too_much = ask(silent, add=[{**NEW, "machine": "pc2", "gpu": True, "gpu_memory_mb": 20000}], reserve=NO_RESERVE)
    assert too_much.breaks == ["gpu_memory on pc2: needs at least 20,000 MB of 12,288 MB, 7,712 MB too much"]
    alone = ask(silent, base="empty", add=[{**NEW, "machine": "pc2"}])
    assert (alone.fits, alone.fits_before) == (True, "unknown")


def test_live_counts_what_runs_by_its_use_and_the_rest_by_its_need() -> None:
    live = {"mainpc": unseen(), "pc2": seen(instances=[use("Eyes", memory_mb=3500.0)])}
    found = ask(sights=live, against="live", machines=["pc2"])
    assert row(found, "pc2", "memory").used_after == 8000 + 1000
    assert "pc2: Hub should run there, not seen running: counted at full need" in found.warnings
    gone = ask(sights=live, against="live", remove=[{"service": "Eyes", "machine": "pc2"}])
    assert row(gone, "pc2", "memory").used_after == 8000 + 1000 - 3500
    grown = ask(sights=live, against="live", change=[{"service": "Eyes", "machine": "pc2", "memory_mb": 6000}])
    assert row(grown, "pc2", "memory").used_after == 8000 + 1000 - 3500 + 6000


def test_live_gpu_memory_of_one_instance_is_not_measured() -> None:
    full = {"mainpc": unseen(), "pc2": seen(gpus=[card(used=11_000)])}
    remove = [{"service": "Eyes", "machine": "pc2"}]
    new = {**NEW, "machine": "pc2", "gpu": True, "gpu_memory_mb": 3000}
    assert ask(sights=full, against="live", add=[new], reserve=NO_RESERVE).fits is False
    found = ask(sights=full, against="live", add=[new], remove=remove, reserve=NO_RESERVE)
    assert found.unknown == ["gpu_memory on pc2: unknown: how much Eyes uses now is not known"]
    view = row(found, "pc2", "gpu_memory")
    assert (view.used_after, view.used_after_at_least, view.used_after_at_most) == (None, 8000, 14000)


@pytest.mark.parametrize(("total", "fits"), [(14_000, True), (13_999, "unknown"), (8000, "unknown"), (7999, False)])
def test_an_amount_between_two_bounds_is_judged_at_both(total: int, fits: object) -> None:
    full = {"mainpc": unseen(), "pc2": seen(gpus=[card(used=11_000, total=total)])}
    new = {**NEW, "machine": "pc2", "gpu": True, "gpu_memory_mb": 3000}  # Eyes takes 0 to 6000 of the 11,000 with it
    remove = [{"service": "Eyes", "machine": "pc2"}]
    assert ask(sights=full, against="live", add=[new], remove=remove, reserve=NO_RESERVE).fits == fits


def test_no_card_seen_and_nothing_known_of_cards_are_two_things() -> None:
    new = {**NEW, "machine": "pc2", "gpu": True, "gpu_memory_mb": 100}
    none = ask(sights={**both(), "pc2": seen(gpus=[], instances=[])}, against="live", base="empty", add=[new])
    assert none.breaks == ["gpu_memory on pc2: needs a card, there is none"]
    dark = seen(gpus=None, gpus_reason="unknown: NVML Shared Library Not Found")
    found = ask(sights={**both(), "pc2": dark}, against="live", add=[new])
    assert found.unknown == ["gpu_memory on pc2: unknown: unknown: NVML Shared Library Not Found"]
    assert (
        ask(sights={**both(), "pc2": dark}, against="live", base="empty", add=[{**NEW, "machine": "pc2"}]).fits is True
    )


@pytest.mark.parametrize(
    ("needed", "fits"), [([8000], True), ([8000, 2000], True), ([8000, 8000], "unknown"), ([11000], False)]
)
def test_with_several_cards_only_what_one_of_them_holds_surely_fits(needed: list[int], fits: object) -> None:
    two = seen(gpus=[card(0, 0, 10000), card(1, 0, 10000)], instances=[])
    wishes = [
        {**NEW, "service": f"New{size}{number}", "machine": "pc2", "gpu": True, "gpu_memory_mb": size}
        | {"port": 9000 + number, "health_port": 9100 + number}
        for number, size in enumerate(needed)
    ]
    found = ask(sights={**both(), "pc2": two}, against="live", base="empty", add=wishes, reserve=NO_RESERVE)
    assert found.fits == fits
    if fits is False:
        assert found.breaks == [
            "gpu_memory on pc2: New110000 alone needs 11,000 MB of 10,000 MB on one card, 1,000 MB too much"
        ]


def test_suggestions_name_the_smallest_removal_and_another_machine() -> None:
    new = {**NEW, "machine": "pc2", "gpu": True, "gpu_memory_mb": 6000}
    found = ask(add=[new], suggestions=True)
    assert found.suggestions is not None
    assert [one.remove for one in found.suggestions.removals] == [["Eyes"]]
    assert [one.machine for one in found.suggestions.elsewhere] == ["mainpc"]
    assert ask(add=[{**NEW, "machine": "pc2"}], suggestions=True).suggestions is None


def test_what_others_wait_for_is_not_suggested() -> None:
    new = {**NEW, "machine": "mainpc", "memory_mb": 42_000, "gpu": False}
    found = ask(add=[new], suggestions=True)
    assert found.suggestions is not None
    assert [one.remove for one in found.suggestions.removals] == [["Ears"], ["Mind"]]


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"add": [{"service": "Eyes", "machine": "pc2"}]}, "Eyes on pc2 is there already"),
        ({"remove": [{"service": "Eyes", "machine": "mainpc"}]}, "Eyes on mainpc is not there"),
        ({"change": [{"service": "Nobody", "machine": "pc2", "memory_mb": 1}]}, "Nobody on pc2 is not there"),
        ({"move": [{"service": "Hub", "from": "mainpc", "to": "pc2"}]}, "Hub on pc2 is there already"),
        ({"add": [{**NEW, "machine": "pc3"}]}, "there is no machine pc3; there are: mainpc, pc2"),
        ({"machines": ["pc3"]}, "there is no machine pc3; there are: mainpc, pc2"),
        ({"add": [{**NEW, "machine": "pc2"}, {**NEW, "machine": "pc2"}]}, "New on pc2 is touched more than once"),
        (
            {"remove": [{"service": "Eyes", "machine": "pc2"}], "add": [{"service": "Eyes", "machine": "pc2"}]},
            "Eyes on pc2 is touched more than once",
        ),
        ({"base": "empty", "remove": [{"service": "Eyes", "machine": "pc2"}]}, "Eyes on pc2 is not there"),
    ],
)
def test_a_question_that_cannot_be_meant_so_is_refused(question: dict[str, Any], says: str) -> None:
    with pytest.raises(Contradiction) as caught:
        ask(**question)
    assert str(caught.value) == says


@pytest.mark.parametrize(
    "wish",
    [
        {"memory_mb": -1},
        {"memory_mb": True, "cpus": "NaN"},
        {"cpus": float("inf")},
        {"workers": 3},
        {"workers": 3, "memory_per_worker_mb": 5, "memory_mb": 1},
        {"gpu": False, "gpu_memory_mb": 5},
        {"port": 0},
        {"unheard": 1},
        {"service": "not a name"},
    ],
)
def test_needs_that_make_no_sense_are_refused(wish: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Question.model_validate({"add": [{"service": "New", "machine": "pc2", **wish}]})


def test_live_knows_what_runs_without_being_told_of() -> None:
    silent = declared(elsewhere=None)
    found = ask(silent, against="live", remove=[{"service": "Eyes", "machine": "pc2"}])
    assert row(found, "pc2", "memory").used_after == 8000 - 3500
    assert "pc2: what is desired there is not told here: only what runs is counted" in found.warnings


def test_a_service_on_several_machines_has_one_set_of_needs_whatever_the_order() -> None:
    rows = [instance("Hub", "pc2", 7100, memory_mb=7), instance("Hub", "mainpc", 7100, memory_mb=5)]
    for order in (rows, rows[::-1]):
        facts = declared(instances=order, elsewhere=[], machines={**declared().model_dump()["machines"], "pc3": {}})
        found = ask(facts, {**both(), "pc3": unseen("pc3")}, add=[{"service": "Hub", "machine": "pc3"}])
        assert row(found, "pc3", "memory").used_after_at_least == 5
