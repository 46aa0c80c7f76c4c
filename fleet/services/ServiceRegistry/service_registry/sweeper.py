"""Throws out whose lease is over, at the moment when it is over: sleeps until then, not from one look to the next."""

from __future__ import annotations

import asyncio

from service_registry.core.registration import Change, Kind
from service_registry.core.registry import Registry


class Sweeper:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._wake = asyncio.Event()

    def heard(self, change: Change) -> None:
        if change.kind is Kind.REGISTERED:  # its lease may be the next to end
            self._wake.set()

    async def run(self) -> None:
        while True:
            self._wake.clear()
            now = self._registry.sweep()
            look = self._registry.next_look()
            try:
                async with asyncio.timeout(None if look is None else look - now):
                    await self._wake.wait()
            except TimeoutError:
                pass
