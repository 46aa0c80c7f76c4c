"""Releases rolled out over two real machines: in waves, gated, and nothing more than what has changed."""

from __future__ import annotations

import pytest

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
