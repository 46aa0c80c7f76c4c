"""Releases rolled out over two real machines: in waves, gated, and nothing more than what has changed."""

from __future__ import annotations

import pytest

from dockwright.rollout.compose import container_name
from engines.rollout import EARLY, EVERY, SECOND, THIRD, Rollout

pytestmark = [pytest.mark.engines, pytest.mark.timeout(1200)]


def test_a_release_from_nothing_to_both_machines(bare: Rollout) -> None:
    name = bare.release("the first")
    planned = bare.json("deploy", "--dry-run")
    assert planned["machines"] == ["mainpc", "pc2"]
    waves = {wave["phase"]: {step["instance"] for step in wave["steps"]} for wave in planned["waves"]}
    assert waves == {"core-infra": EARLY, "cpu-pc2": {SECOND}, "cpu-mainpc": {THIRD}}
    assert bare.containers() == {}, "a dry run changes nothing"

    told = bare.json("deploy")
    assert (told["end"], set(told["touched"])) == ("done", EVERY)
    assert bare.running() == dict.fromkeys(EVERY, name)
    assert bare.unwell() == {}
    assert bare.held() == []


def test_unchanged_instances_are_left_alone(bare: Rollout) -> None:
    before = bare.seen()
    assert "nothing to do" in bare.ok("deploy")
    bare.behave(THIRD, "# one line more")
    name = bare.release("a line more")
    told = bare.json("deploy")
    assert (told["end"], told["touched"]) == ("done", [THIRD])
    after = bare.seen()
    assert {each for each in EVERY if before[each] != after[each]} == {THIRD}
    assert bare.running()[THIRD] == name
    assert bare.unwell() == {}


def test_status_tells_what_is_not_as_it_was_rolled_out(bare: Rollout) -> None:
    told = bare.json("status")
    assert (told["well"], told["healthy"], len(told["machines"])) == (True, len(EVERY), 2)
    assert {f"{row['machine']}/{row['service']}": row["host"] for row in told["instances"]} == {
        name: name.partition("/")[0] for name in EVERY
    }

    bare.dockers["pc2"].run("update", "--memory=77m", "--memory-swap=77m", container_name("AsyncProcessor"))
    bare.dockers["mainpc"].run("rm", "--force", container_name("Executor"))
    said = bare.fails("status")
    line = {name: next(one for one in said.splitlines() if name in one) for name in ("Async", "Executor")}
    assert "changed by hand: HostConfig.Memory, HostConfig.MemorySwap" in line["Async"]
    assert "it has no container" in line["Executor"] or "starting" in line["Executor"], "the supervisor mends it"
    assert f"of {len(EVERY)} healthy: " in said
