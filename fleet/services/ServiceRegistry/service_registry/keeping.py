"""Writes down each change at once; changes that come together are written together.

A disk that refuses does not stop the registry: the living register anew after a restart anyway. It shows in /health."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from typing import Final

from service_registry.core.registration import Change, Key, Kind, Registration
from service_registry.core.registry import Registry
from service_registry.store import Store

AGAIN: Final = 5.0
SLOW: Final = 3.0  # an answer waits so long for the disk, and a stop too


class Keeping:
    def __init__(
        self, registry: Registry, store: Store, log: logging.Logger, report: Callable[[Exception], None]
    ) -> None:
        self.problem = ""
        self.failures = 0
        self._registry = registry
        self._store = store
        self._log = log
        self._report = report
        self._changes: dict[Key, Registration | None] = {}
        self._whole = False
        self._began: float | None = None
        self._wake = asyncio.Event()
        self._end = asyncio.Event()
        self._tried = asyncio.Event()  # set when the changes that wait now have been written or refused

    async def load(self) -> None:
        try:
            kept = await asyncio.to_thread(self._store.load)
        except (sqlite3.Error, OSError) as error:
            self._failed(error)
            return
        for one, seconds in kept:
            self._registry.restore(one, seconds)
        self._log.info("kept registrations are back", extra={"count": len(self._registry)})

    def heard(self, change: Change) -> None:
        one = change.registration
        there = change.kind in (Kind.REGISTERED, Kind.CONFIRMED)
        self._changes[one.key] = one if there else None
        self._wake.set()

    async def kept(self) -> None:
        """Returns when everything heard so far is on disk; at once when the disk refuses, soon when it is slow."""
        if self.problem:
            return
        try:
            async with asyncio.timeout(SLOW):
                await self._tried.wait()
        except TimeoutError:
            pass

    def trouble(self) -> str:
        """Why registrations are not safe on disk now; empty when they are."""
        if self._began is not None and time.monotonic() - self._began > SLOW:
            return "the disk is slow"
        return self.problem

    async def run(self) -> None:
        while not self._end.is_set():
            await self._due()
            await self._write()

    async def stop(self, running: asyncio.Task[None]) -> None:
        """Writes what is left."""
        self._end.set()
        self._wake.set()
        await asyncio.wait([running], timeout=SLOW)
        running.cancel()

    async def _due(self) -> None:
        signal, patience = (self._end, AGAIN) if self.problem else (self._wake, None)
        try:
            async with asyncio.timeout(patience):
                await signal.wait()
        except TimeoutError:
            pass

    async def _write(self) -> None:
        self._wake.clear()
        changes, self._changes = self._changes, {}
        tried, self._tried = self._tried, asyncio.Event()
        self._began = time.monotonic()
        try:
            if self._whole:
                whole = self._registry.ids(), self._registry.confirmed()
                await asyncio.to_thread(self._store.write_whole, *whole)
            elif changes:
                await asyncio.to_thread(self._store.write, changes)
            self._well()
        except (sqlite3.Error, OSError) as error:
            self._failed(error)
        finally:
            self._began = None
            tried.set()

    def _failed(self, error: Exception) -> None:
        self._whole = True
        self.failures += 1
        if not self.problem:
            self._log.error("registrations cannot be kept on disk", extra={"why": str(error)})
            self._report(error)
        self.problem = str(error) or type(error).__name__

    def _well(self) -> None:
        if self.problem:
            self._log.info("registrations are kept on disk again")
        self._whole, self.problem = False, ""
