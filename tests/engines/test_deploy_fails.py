"""Bad releases on two real machines: noticed, told with evidence, and taken back as one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockwright.rollout import deploying
from dockwright.rollout.learned import Starts
from engines.rollout import EVERY, SECOND, THIRD, Rollout

pytestmark = [pytest.mark.engines, pytest.mark.scenarios, pytest.mark.timeout(1200)]
# The second wave's instance, on the other machine, is replaced by something good before the third one's fails.
TOUCHED = {SECOND, THIRD}

ILL = """
from servicekit import Unhealthy
def ill():
    raise Unhealthy("the model is not loaded")
service.check("model", ill)
"""

Check = Callable[..., str]


@pytest.fixture
def taken_back(settled: Rollout) -> Check:
    """Roll a release out that has to fail, and hold everything against what was there before; what was said."""

    def check(message: str, code: str, *words: str) -> str:
        return rolled_back(settled, message, code, *words)

    return check


def rolled_back(rollout: Rollout, message: str, code: str, *words: str) -> str:
    images, seen, volumes = rollout.images(), rollout.seen(), rollout.volumes()
    name = rollout.changed(message, code)
    said = rollout.fails("deploy", *words)
    assert rollout.images() == images
    assert rollout.unwell() == {}
    assert rollout.volumes() == volumes
    assert rollout.held() == []
    after = rollout.seen()
    assert {each for each in EVERY if seen[each] != after[each]} == TOUCHED
    assert f"release {name} was taken back: 2 instances went back to " in said, said
    last = rollout.json("deploy", "--history")[-1]
    assert (last["release"], last["end"]) == (name, "taken back")
    return said


def test_one_that_crashes(taken_back: Check) -> None:
    said = taken_back("crashes", 'raise SystemExit("the model is not there")')
    assert "mainpc/Executor: crashed, its container is exited, exit code" in said, said
    assert "  | " in said, "its last lines are shown"
    assert "the model is not there" in said, said


def test_one_that_never_gets_healthy(taken_back: Check) -> None:
    said = taken_back("never healthy", ILL)
    assert "mainpc/Executor: never got healthy, model: the model is not loaded" in said, said


def test_one_that_hangs_a_while_after_it_was_healthy(taken_back: Check) -> None:
    code = """
import os, signal, threading
threading.Timer(6, os.kill, (os.getpid(), signal.SIGSTOP)).start()
"""
    said = taken_back("hangs later", code, "--hold", "20")
    assert "mainpc/Executor: fell, its health port does not answer" in said, said


def test_a_start_that_outgrows_what_was_learned_is_waited_for(settled: Rollout) -> None:
    """While it computes it gets somewhere; a fixed gate would roll it back for ever."""
    deadline = deploying.read_starts().get(THIRD, Starts()).deadline(10.0)
    code = f"import time\nend = time.monotonic() + {deadline + 8}\nwhile time.monotonic() < end:\n    pass"
    name = settled.changed("takes long to start", code)
    done = settled.fleet.run("deploy")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"mainpc/Executor takes longer than ever ({deadline:.0f} s), and is getting somewhere" in done.stderr
    assert f"release {name} is healthy on mainpc and pc2" in done.stdout
    assert settled.running() == dict.fromkeys(EVERY, name)
    assert settled.unwell() == {}
