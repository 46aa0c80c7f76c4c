"""What peers know and the page shows: asked in the background while somebody looks, never waited for."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from unified_observability_center.clean import line
from unified_observability_center.told import Care, Group, MachineState, Use, care, groups, machine, twin, uses

TWIN: Final = "SystemDigitalTwin"
SUPERVISOR: Final = "SelfHealingSupervisor"
ERRORS: Final = "CentralErrorBus"

PERIOD: Final = 4.0
LONGEST: Final = 30.0
LOOKED: Final = 15.0  # seconds after the last look in which answers are kept fresh
STALE: Final = 40.0
PULSE: Final = 0.5
TIMEOUT: Final = 2.5
THREADS: Final = 3

Get = Callable[[str, str, str], Any]  # peer, machine, path -> JSON; blocking, raises when there is no good answer


@dataclass
class Source:
    """One question to one peer, asked again and again. `value` is the last good answer."""

    peer: str
    machine: str
    path: str
    value: Any = None
    at: float | None = None  # steady
    why: str = "not asked yet"
    wait: float = PERIOD
    due: float = 0.0
    asking: bool = False

    def fresh(self) -> Any:
        return self.value if self.at is not None and time.monotonic() - self.at < STALE else None


class Around:
    """`machines`: where each peer has an address; a peer that is not there has none."""

    def __init__(self, get: Get, machines: Callable[[str], Iterable[str]], log: logging.Logger) -> None:
        self._get = get
        self._log = log
        self._looked = float("-inf")
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="around")
        self._tasks: set[asyncio.Task[None]] = set()
        self.twins = [Source(TWIN, one, "/v1/machines") for one in list(machines(TWIN))[:1]]
        self.hosts = [Source(SUPERVISOR, one, "/v1/machine") for one in machines(SUPERVISOR)]
        self.cares = [Source(SUPERVISOR, one, "/v1/instances") for one in machines(SUPERVISOR)]
        self.errors = [Source(ERRORS, one, "/v1/groups?state=open&limit=12") for one in machines(ERRORS)]

    def look(self) -> None:
        self._looked = time.monotonic()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(PULSE)
            now = time.monotonic()
            if now - self._looked < LOOKED:
                for one in self._sources():
                    if not one.asking and now >= one.due:
                        one.asking = True
                        task = asyncio.create_task(self._ask(one))
                        self._tasks.add(task)
                        task.add_done_callback(self._tasks.discard)

    def _sources(self) -> list[Source]:
        """A machine that the twin tells of needs no second answer."""
        known = {name for one in self.twins for name, found in twin(one.fresh()).items() if found.why == ""}
        hosts = [one for one in self.hosts if one.machine not in known]
        return [*self.twins, *hosts, *self.cares, *self.errors]

    async def _ask(self, one: Source) -> None:
        try:
            loop = asyncio.get_running_loop()
            one.value = await loop.run_in_executor(self._threads, self._get, one.peer, one.machine, one.path)
            one.at, one.why, one.wait = time.monotonic(), "", PERIOD
        except Exception as error:  # noqa: BLE001 - whatever keeps a peer from answering: it is unknown then, and why
            if not one.why:
                self._log.info("a peer does not answer", extra={"peer": one.peer, "on": one.machine, "why": str(error)})
            one.why, one.wait = line(str(error), 200), min(LONGEST, one.wait * 1.5)
        finally:
            one.asking = False
            one.due = time.monotonic() + one.wait

    def machines(self) -> dict[str, MachineState]:
        found: dict[str, MachineState] = {}
        for one in self.hosts:
            told = machine(one.fresh())
            found[one.machine] = told or MachineState(why=f"{one.peer}: {one.why or 'the answer makes no sense'}")
        for one in self.twins:
            for name, told in twin(one.fresh()).items():
                if told.why == "" or name not in found:
                    found[name] = told
        return found

    def uses(self) -> dict[tuple[str, str], Use]:
        """By machine and service."""
        found: dict[tuple[str, str], Use] = {}
        for one in self.hosts:
            found |= {(one.machine, service): use for service, use in uses(one.fresh()).items()}
        for one in self.twins:
            for name, told in twin(one.fresh()).items():
                found |= {(name, service): use for service, use in told.uses.items()}
        return found

    def cared(self) -> dict[tuple[str, str], Care]:
        return {(one.machine, name): told for one in self.cares for name, told in care(one.fresh()).items()}

    def groups(self) -> tuple[list[Group] | None, str]:
        """The latest open groups of errors, or None and why there are none to tell."""
        if not self.errors:
            return None, f"{ERRORS} does not run here"
        told = [groups(one.fresh()) for one in self.errors]
        known = [each for one in told if one is not None for each in one]
        if all(one is None for one in told):
            return None, f"{ERRORS}: {self.errors[0].why or 'the answer makes no sense'}"
        return sorted(known, key=lambda one: one.last_seen, reverse=True), ""

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)
