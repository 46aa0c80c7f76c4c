"""The tool killed in every phase of a deploy: what it leaves, the next command completes or takes back."""

from __future__ import annotations

import subprocess
import time

import pytest

from engines.rollout import EVERY, SECOND, THIRD, Rollout, interrupt, kill, wait
from engines.test_deploy_fails import ILL

pytestmark = [pytest.mark.engines, pytest.mark.scenarios, pytest.mark.timeout(1200)]


@pytest.mark.parametrize("phase", ["is sent from here", "wave 2 of 2", "mainpc/Executor is healthy"])
def test_killed_and_continued(settled: Rollout, phase: str) -> None:
    seen = settled.seen()
    name = settled.changed(f"killed when '{phase}'")
    code, said = settled.until(["deploy"], phase, kill)
    assert code == -9, said
    assert settled.held() == ["mainpc", "pc2"], "a machine stays held until it is known that its holder is gone"
    done = settled.ok("deploy", "--continue")
    assert f"release {name} is healthy on mainpc and pc2" in done or "nothing to do" in done, done
    assert settled.running() == dict.fromkeys(EVERY, name)
    assert settled.unwell() == {}
    assert settled.held() == []
    after = settled.seen()
    assert {each: after[each] for each in EVERY - {SECOND, THIRD}} == {
        each: seen[each] for each in EVERY - {SECOND, THIRD}
    }
    assert "no deploy from this host was cut off" in settled.fails("deploy", "--continue", code=2)


def test_what_a_killed_deploy_began_is_judged_when_that_is_continued(settled: Rollout) -> None:
    images = settled.images()
    settled.behave(SECOND, ILL)
    settled.behave(THIRD, "# behind one that is ill")
    settled.release("begun, and ill")

    def begun(process: subprocess.Popen[str]) -> None:
        wait(lambda: settled.images().get(SECOND) != images[SECOND])
        time.sleep(3)
        kill(process)

    code, said = settled.until(["deploy"], "wave 1 of 2", begun)
    assert code == -9, said
    said = settled.fails("deploy", "--continue")
    assert "1 was begun by a deploy that was cut off, and is judged with the rest: pc2/AsyncProcessor" in said, said
    assert "pc2/AsyncProcessor: never got healthy" in said, said
    assert settled.images() == images
    assert settled.unwell() == {}


def test_killed_and_taken_back(settled: Rollout) -> None:
    images = settled.images()
    settled.changed("killed and taken back")
    code, said = settled.until(["deploy"], "wave 2 of 2", kill)
    assert code == -9, said
    assert settled.images() != images
    settled.ok("rollback")
    assert settled.images() == images
    assert settled.unwell() == {}
    assert settled.held() == []


def test_killed_while_it_took_back(settled: Rollout) -> None:
    images = settled.images()
    settled.changed("killed while it took back", "raise SystemExit(3)")
    code, said = settled.until(["deploy"], "taking back 2 instances", kill)
    assert code == -9, said
    settled.ok("rollback")
    assert settled.images() == images
    assert settled.unwell() == {}


def test_ctrl_c_lets_the_machines_go_and_says_what_to_do(settled: Rollout) -> None:
    name = settled.changed("interrupted")
    code, said = settled.until(["deploy"], "pc2/AsyncProcessor is healthy", interrupt)
    assert code == 130, said
    assert f"dockwright: deploy of {name} was interrupted" in said
    assert "-> ./dockwright deploy --continue completes it, ./dockwright rollback takes it back" in said
    assert settled.held() == []
    settled.ok("deploy", "--continue")
    assert settled.running() == dict.fromkeys(EVERY, name)
    assert settled.unwell() == {}
