"""Releases rolled out over two real machines: in waves, gated, and nothing more than what has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockwright.rollout import facts
from dockwright.rollout.compose import FILTER, container_name
from engines.rollout import EARLY, EVERY, SECOND, THIRD, Rollout
from engines.two import MAIN_IP

QUICK = ("deploy", "--hold", "0")
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


def test_rollback_goes_to_what_was_healthy_before(bare: Rollout) -> None:
    first, second = (one.name for one in bare.records()[-2:])
    before = bare.seen()
    planned = bare.json("rollback", "--dry-run")
    assert (planned["release"], [wave["steps"][0]["instance"] for wave in planned["waves"]]) == (first, [THIRD])
    assert planned["waves"][0]["steps"][0]["downtime_seconds"] > 0, "learned from the deploy before"
    assert bare.seen() == before
    assert f"release {first} is healthy" in bare.ok("rollback")
    assert bare.images()[THIRD] == bare.picture(first, THIRD).digest
    assert f"release {second} is healthy" in bare.ok("rollback", second)
    assert bare.images()[THIRD] == bare.picture(second, THIRD).digest
    assert {each for each in EVERY if bare.seen()[each] != before[each]} == {THIRD}
    ends = [(one["verb"], one["release"], one["end"]) for one in bare.json("deploy", "--history")[-2:]]
    assert ends == [("rollback", first, "done"), ("rollback", second, "done")]


def test_a_pin_holds_one_service_whatever_is_released(bare: Rollout) -> None:
    first, second = (one.name for one in bare.records()[-2:])
    old, new = bare.picture(first, THIRD), bare.picture(second, THIRD)
    day = ("--until", "2999-01-01", "--why", "the new one leaks")
    assert "is held at" in bare.ok("pin", "Executor", old.tag, *day)
    bare.ok("deploy")
    assert bare.images()[THIRD] == old.digest
    assert f"Executor is pinned to {old.tag}" in bare.fleet.run("status").stdout
    assert "nothing to do" in bare.ok("deploy"), "the pin is not fought"
    bare.ok("unpin", "Executor")
    bare.ok("deploy")
    assert bare.images()[THIRD] == new.digest

    forced = bare.told("FORCE_IMAGE_TAG", f"Executor={old.tag}")
    forced.ok("deploy")
    assert bare.images()[THIRD] == old.digest
    bare.ok("deploy")
    assert bare.images()[THIRD] == new.digest
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


def test_a_filter_that_was_removed_comes_back(bare: Rollout) -> None:
    bare.ok(*QUICK)
    bare.dockers["pc2"].run("rm", "--force", f"dockwright-{FILTER}")
    assert "the supervisor is blind; the next ./dockwright up or deploy mends it" in bare.fails("status")
    told = bare.json(*QUICK)
    assert (told["end"], told["touched"]) == ("done", ["pc2/SelfHealingSupervisor"])
    assert told["waves"][0]["steps"][0]["why"] == "its container is without its filter"
    assert bare.json("status")["well"]


def test_a_machine_that_is_off_is_left_alone(bare: Rollout) -> None:
    """What is rolled out to the other one meanwhile is the same that a deploy to both would have brought."""
    before = bare.images()
    name = bare.changed("while pc2 is off")
    bare.pair.cut()
    try:
        said = bare.fails("deploy", code=3)
        assert "dockwright: pc2: the engine at " in said
        assert "or leave it alone: --on mainpc" in said
        told = bare.json(*QUICK, "--on", "mainpc")
        assert (told["end"], told["machines"], told["touched"]) == ("done", ["mainpc"], [THIRD])
        assert bare.fleet.run("status").returncode == 3
    finally:
        bare.pair.join()
    assert bare.images() == {**before, THIRD: bare.picture(name, THIRD).digest}

    told = bare.json(*QUICK)
    assert (told["end"], told["touched"]) == ("done", [SECOND])
    assert (bare.running()[SECOND], bare.running()[THIRD]) == (name, name)
    assert bare.json("status")["well"]
    told = bare.json("rollback", "--on", "pc2", "--hold", "0")
    assert (told["machines"], told["touched"]) == (["pc2"], [SECOND])
    assert bare.images() == {**before, THIRD: bare.picture(name, THIRD).digest}
    history = bare.json("deploy", "--history")[-3:]
    assert [one["machines"] for one in history] == [["mainpc"], ["mainpc", "pc2"], ["pc2"]]
    bare.ok(*QUICK)
    assert bare.running()[SECOND] == name
    assert "no machine 'pc3' has an address" in bare.fails("deploy", "--on", "pc3", code=2)


def test_a_guest_goes_home_when_its_machine_gets_an_address(bare: Rollout, tmp_path: Path) -> None:
    file = tmp_path / "machines.toml"
    file.write_text(f'[mainpc]\nengine = "local"\nhost = "{MAIN_IP}"\n')
    alone = bare.told("DOCKWRIGHT_MACHINES", str(file))
    guest, there = container_name("CentralErrorBus"), bare.dockers["mainpc"]
    assert alone.json(*QUICK)["end"] == "done"
    assert guest in facts.containers(there), "without an address of pc2, its error bus is needed here"

    there.run("rm", "--force", container_name("Executor"))
    planned = bare.json("deploy", "--dry-run")["waves"]
    (moved,) = planned[-1]["steps"]
    assert (planned[-1]["phase"], moved["instance"], moved["on"]) == ("leftovers", "pc2/CentralErrorBus", "mainpc")
    assert (moved["kind"], moved["why"]) == ("remove", "it runs on pc2")
    bare.ok(*QUICK)
    assert guest not in facts.containers(there)
    assert bare.json("status")["well"]

    assert alone.json(*QUICK)["end"] == "done"
    there.run("rm", "--force", guest)
    bare.ok(*QUICK)
    assert bare.json("status")["well"], "nobody is told to run it here any more, container or not"
