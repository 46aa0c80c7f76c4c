"""The hands of a deploy: machines are worked at side by side, and Ctrl-C ends what all of them do."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dockwright.engine import command
from dockwright.rollout.journal import Journal
from dockwright.rollout.machines import Machines

LONG = (sys.executable, "-c", "import time; print('begun', flush=True); time.sleep(600)")


@pytest.fixture
def hands(tmp_path: Path) -> Machines:
    return Machines({}, {}, "", Journal(tmp_path / "journal"), "1", lambda _: None)


def test_results_come_in_the_order_of_the_tasks(hands: Machines) -> None:
    meet = threading.Barrier(2, timeout=30)

    def task(number: int) -> int:
        meet.wait()  # Passes only where both run at once.
        return number

    assert hands.side_by_side([lambda: task(1), lambda: task(2)]) == [1, 2]
    assert hands.side_by_side([]) == []


def test_ctrl_c_ends_what_runs_on_every_machine(hands: Machines) -> None:
    ended: list[str] = []

    def told(name: str, task: Callable[[], object]) -> None:
        try:
            task()
        except BaseException:
            ended.append(name)
            raise

    def program(line: str) -> None:
        assert line == "begun"
        os.kill(os.getpid(), signal.SIGINT)  # To the process, as a terminal does: its main thread waits for results.

    tasks = (
        lambda: told("streams", lambda: command.stream(LONG, program, check=True)),
        lambda: told("waits", lambda: hands.pause(600)),
    )
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        hands.side_by_side(tasks)
    assert sorted(ended) == ["streams", "waits"]
    assert time.monotonic() - began < 300, "nobody waited for the programs to end by themselves"
