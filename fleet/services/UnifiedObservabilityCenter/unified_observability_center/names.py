"""Host names to IPv4 addresses, without letting a slow name server hold up the questions to others."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

FRESH: Final = 30.0
AGAIN: Final = 2.0  # after a failure
WAIT: Final = 1.5
THREADS: Final = 4
DOUBTED: Final = float("-inf")

# A container that does not run has no name, and an engine may ask a far name server for it first: read by libc.
os.environ.setdefault("RES_OPTIONS", "timeout:1 attempts:1")


class Unresolved(Exception):
    """str() says why."""


class Names:
    """One question a name is under way at a time; the last good address serves while a newer one is looked for."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="names")
        self._known: dict[str, tuple[str, float]] = {}
        self._failed: dict[str, tuple[str, float]] = {}
        self._looking: dict[str, asyncio.Task[None]] = {}

    async def address(self, name: str) -> str:
        """Raises Unresolved."""
        if _is_ipv4(name):
            return name
        known, failed, now = self._known.get(name), self._failed.get(name), time.monotonic()
        if known is not None and now - known[1] < FRESH:
            return known[0]
        if failed is not None and now - failed[1] < AGAIN:
            return _or_raise(known, failed[0])
        looking = self._look(name)
        await asyncio.wait((looking,), timeout=WAIT)
        why, _ = self._failed.get(name, (f"{name} is not resolved within {WAIT:g} s", 0.0))
        return _or_raise(self._known.get(name), why)

    def doubt(self, name: str) -> None:
        """Nobody answered there: the address may have changed."""
        known = self._known.get(name)
        if known is not None:
            self._known[name] = known[0], DOUBTED

    def forget(self, names: set[str]) -> None:
        """Keeps only `names`."""
        for kept in (self._known, self._failed):
            for name in [name for name in kept if name not in names]:
                del kept[name]

    def _look(self, name: str) -> asyncio.Task[None]:
        if name not in self._looking:
            task = asyncio.create_task(self._resolve(name))
            self._looking[name] = task
            task.add_done_callback(lambda _: self._looking.pop(name, None))
        return self._looking[name]

    async def _resolve(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                self._threads, lambda: socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
            )
            self._known[name] = str(found[0][4][0]), time.monotonic()
            self._failed.pop(name, None)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or str(error)
            self._failed[name] = f"{name}: {why}", time.monotonic()
            if name in self._known and self._known[name][1] == DOUBTED:
                del self._known[name]

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _or_raise(known: tuple[str, float] | None, why: str) -> str:
    if known is None:
        raise Unresolved(why)
    return known[0]


def _is_ipv4(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True
