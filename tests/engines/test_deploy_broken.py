"""Machines that break in the middle of a deploy: an engine, a cable, a disk."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from engines.rollout import EVERY, SECOND, THIRD, Rollout, wait

pytestmark = [pytest.mark.engines, pytest.mark.scenarios, pytest.mark.timeout(1200)]


def test_a_link_that_is_cut_for_a_while_is_waited_for(settled: Rollout) -> None:
    name = settled.changed("cut for a while")

    def cut(_: subprocess.Popen[str]) -> None:
        settled.pair.cut()
        time.sleep(6)
        settled.pair.join()

    code, said = settled.until(["deploy"], "wave 1 of 2", cut)
    assert code == 0, said
    assert settled.running() == dict.fromkeys(EVERY, name)
    assert settled.unwell() == {}


def test_a_link_that_stays_cut_is_told_and_gone_on_with_later(settled: Rollout) -> None:
    images = settled.images()
    name = settled.changed("cut for good")
    words = ["deploy", "--patience", "8", "--hold", "15"]
    code, said = settled.until(words, "wave 2 of 2", lambda _: settled.pair.cut())
    assert code == 1, said
    assert f"release {name} failed, and taking it back failed as well" in said, said
    assert "pc2/AsyncProcessor: pc2 does not answer" in said, said
    assert "now: unknown" in said, said
    now = settled.images()
    assert now[THIRD] == images[THIRD], "the machine that answers is as before"
    assert now[SECOND] != images[SECOND]

    assert "the engine at tcp://" in settled.fails("deploy", code=3)
    one = settled.containers()["pc2/CentralErrorBus"]
    os.kill(worker(one.inspected["State"]["Pid"]), signal.SIGKILL)
    alone = settled.pair.docker
    wait(lambda: restarted(settled, "pc2/CentralErrorBus", one.since), 60)
    assert alone.inspect("container", ["dockwright-central-error-bus"]), "a machine that is cut off heals itself"

    settled.pair.join()
    settled.ok("deploy", "--continue")
    assert settled.running() == dict.fromkeys(EVERY, name)
    wait(lambda: settled.unwell() == {})
    assert settled.held() == []


def worker(init: int) -> int:
    return int(Path(f"/proc/{init}/task/{init}/children").read_text().split()[0])


def restarted(rollout: Rollout, each: str, since: str) -> bool:
    found = rollout.containers().get(each)
    return found is not None and found.state == "running" and found.since != since


def test_an_engine_that_was_killed_in_the_middle(settled: Rollout) -> None:
    """All that it ran ends with it: the deploy is taken back, and its supervisor starts the others again."""
    images, volumes = settled.images(), settled.volumes()
    name = settled.changed("the engine was killed")

    def restart(_: subprocess.Popen[str]) -> None:
        settled.pair.kill()
        settled.pair.start()

    code, said = settled.until(["deploy"], "wave 2 of 2", restart)
    assert code == 1, said
    assert f"release {name} was taken back: 2 instances went back to " in said, said
    assert "pc2/AsyncProcessor: " in said, said
    assert settled.images() == images
    wait(lambda: settled.unwell() == {}, 90)
    assert settled.volumes() == volumes
    assert settled.held() == []


def test_a_full_disk_stops_nothing(settled: Rollout) -> None:
    seen = settled.seen()
    data = settled.made.root / "fleet" / "services" / "AsyncProcessor" / "probe" / "data.bin"
    data.write_bytes(os.urandom(4_000_000))
    name = settled.changed("too large")
    with settled.pair.full():
        said = settled.fails("deploy")
    assert "the disk of pc2 is full" in said, said
    assert f"release {name} was not begun: nothing was changed" in said, said
    assert settled.seen() == seen
    assert settled.unwell() == {}
    settled.ok("deploy")
    assert settled.running() == dict.fromkeys(EVERY, name)
    assert settled.unwell() == {}
