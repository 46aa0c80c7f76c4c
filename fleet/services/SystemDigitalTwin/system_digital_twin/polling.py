"""Asks the machines every few seconds, each in a task of its own, so that a slow one holds up none of the others."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from system_digital_twin.report import parse
from system_digital_twin.twin import Twin

EVERY: Final = 5.0
FLUSH_EVERY: Final = 60.0
ALIVE: Final = 120.0  # a round that takes longer than this has gone astray

Ask = Callable[[str], Any]  # blocking: a machine's answer as JSON values; raises when there is none
Tell = Callable[[], None]
Alarm = Callable[[str], None]


class Polling:
    def __init__(self, twin: Twin, ask: Ask, tell: Tell, alarm: Alarm, log: logging.Logger) -> None:
        self._twin = twin
        self._ask = ask
        self._tell = tell
        self._alarm = alarm
        self._log = log
        self._tasks: list[asyncio.Task[None]] = []
        self._turned: dict[str, float] = {}

    async def start(self) -> None:
        await asyncio.to_thread(self._twin.history.open)
        await asyncio.to_thread(self._twin.file.read)
        self._task("facts", self._facts, EVERY)
        self._task("history", self._flush, FLUSH_EVERY)
        for machine in self._twin.sights:
            self._task(machine, partial(self._poll, machine), EVERY)

    def _task(self, name: str, work: Tell, every: float) -> None:
        self._tasks.append(asyncio.create_task(self._rounds(name, work, every), name=name))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._twin.history.close, time.time())

    def stuck(self) -> str:
        """Which work has stopped turning; empty when none has."""
        late = [task.get_name() for task in self._tasks if task.done()]
        now = time.monotonic()
        late += [name for name, at in self._turned.items() if now - at > ALIVE]
        return ", ".join(sorted(set(late)))

    async def _rounds(self, name: str, work: Tell, every: float) -> None:
        """At a steady pace: of rounds that a slow one overran, none is made up for."""
        due = time.monotonic()
        while True:
            self._turned[name] = time.monotonic()
            await asyncio.to_thread(work)
            due = max(due + every, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    def _poll(self, machine: str) -> None:
        sight = self._twin.sights[machine]
        was = sight.answering
        began = time.monotonic()
        try:
            report = parse(self._ask(machine), machine)
        except Exception as error:  # noqa: BLE001 - whatever comes over the network or does not: there is no answer
            sight.missed(str(error) or type(error).__name__)
        else:
            self._twin.heard(machine, report, time.monotonic() - began)
        if sight.answering != was:
            word = "answers" if sight.answering else "does not answer"
            self._log.info(f"a machine {word}", extra={"about": machine, "why": sight.why})
        self._tell()

    def _facts(self) -> None:
        self._twin.file.read()
        self._tell()

    def _flush(self) -> None:
        before = self._twin.history.problem
        self._twin.history.flush(time.time())
        problem = self._twin.history.problem
        if problem and problem != before:
            self._log.error("the history cannot be written", extra={"why": problem})
            self._alarm(f"the history cannot be written: {problem}")
