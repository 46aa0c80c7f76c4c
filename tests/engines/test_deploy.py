"""Releases rolled out over two real machines: in waves, gated, and nothing more than what has changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engines import shapes, standins
from engines.conftest import Machine, Running
from engines.standins import Checkout
from engines.two import Pair, Rollout, second_machine

pytestmark = [pytest.mark.engines, pytest.mark.timeout(1200)]
EVERY = {
    "mainpc/SelfHealingSupervisor",
    "mainpc/ServiceRegistry",
    "mainpc/SystemDigitalTwin",
    "mainpc/UnifiedObservabilityCenter",
    "pc2/CentralErrorBus",
    "pc2/SelfHealingSupervisor",
    "pc2/UnifiedObservabilityCenter",
    "pc2/AsyncProcessor",
    "mainpc/Executor",
}


@pytest.fixture(scope="module")
def pair(engine: Running, machine: Machine) -> Iterator[Pair]:
    with second_machine(machine) as made:
        yield made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The slice, and a service more in two later phases."""
    made = standins.checkout(tmp_path_factory.mktemp("deploy"))
    shapes.put(made.root, "AsyncProcessor", "pc2")
    shapes.put(made.root, "Executor", "mainpc")
    return made


@pytest.fixture(scope="module")
def rollout(engine: Running, pair: Pair, machine: Machine, made: Checkout) -> Iterator[Rollout]:
    tool = Rollout.of(engine.client, pair, made, machine.folder)
    tool.ok("lock", "AsyncProcessor", "Executor")
    yield tool
    tool.clear()


def test_a_release_from_nothing_to_both_machines(rollout: Rollout) -> None:
    name = rollout.release("the first")
    planned = rollout.json("deploy", "--dry-run", "--json")
    assert planned["machines"] == ["mainpc", "pc2"]
    waves = {wave["phase"]: {step["instance"] for step in wave["steps"]} for wave in planned["waves"]}
    late = {"cpu-pc2": {"pc2/AsyncProcessor"}, "cpu-mainpc": {"mainpc/Executor"}}
    assert waves == {"core-infra": EVERY - {"pc2/AsyncProcessor", "mainpc/Executor"}, **late}
    assert rollout.seen() == {}, "a dry run changes nothing"

    told = rollout.json("deploy", "--json")
    assert (told["end"], set(told["touched"])) == ("done", EVERY)
    assert rollout.running() == dict.fromkeys(EVERY, name)
    assert rollout.unwell() == {}


def test_unchanged_instances_are_left_alone(rollout: Rollout, made: Checkout) -> None:
    before = rollout.seen()
    assert "nothing to do" in rollout.ok("deploy")
    app = made.root / "fleet" / "services" / "SystemDigitalTwin" / "system_digital_twin" / "app.py"
    app.write_text(f"{app.read_text()}\n# one line more\n")
    name = rollout.release("a line more")
    told = rollout.json("deploy", "--json")
    assert (told["end"], told["touched"]) == ("done", ["mainpc/SystemDigitalTwin"])
    after = rollout.seen()
    assert {each for each in EVERY if before[each] != after[each]} == {"mainpc/SystemDigitalTwin"}
    assert rollout.running()["mainpc/SystemDigitalTwin"] == name
    assert rollout.unwell() == {}
