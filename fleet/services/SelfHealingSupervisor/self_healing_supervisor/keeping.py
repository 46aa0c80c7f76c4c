"""Writes down what must outlive the supervisor: holds, boot times, and up to when events are known."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from pathlib import Path
from typing import Final

from self_healing_supervisor.files import write
from self_healing_supervisor.supervisor import Supervisor

EVERY: Final = 1.0
HEARD_EVERY: Final = 30.0


class Keeping:
    def __init__(self, supervisor: Supervisor, state_dir: Path, log: logging.Logger) -> None:
        self._supervisor = supervisor
        self._heard = state_dir / "heard.json"
        self._log = log
        self._heard_at = 0.0

    def load(self) -> None:
        """Blocking. Events since the last life are asked for again, so that a stop meanwhile is not missed."""
        self._supervisor.load()
        try:
            self._supervisor.watch.heard_at = float(json.loads(self._heard.read_bytes())["at"])
        except (OSError, ValueError, KeyError, TypeError):
            self._supervisor.watch.heard_at = 0.0

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self._keep()
            except OSError as error:
                self._log.error("the state folder cannot be written", extra={"why": str(error)})
                await asyncio.sleep(HEARD_EVERY)

    async def _keep(self) -> None:
        await self.keep_holds()
        if self._supervisor.boots.changed:
            await asyncio.to_thread(self._supervisor.boots.save)
        now = time.monotonic()
        if self._supervisor.watch.connected_at is not None and now - self._heard_at >= HEARD_EVERY:
            self._heard_at = now
            await asyncio.to_thread(write, self._heard, json.dumps({"at": time.time()}).encode())

    async def keep_holds(self) -> None:
        """Raises OSError."""
        unwritten = self._supervisor.holds.unwritten(time.time())
        if unwritten is not None:
            await asyncio.to_thread(self._supervisor.holds.save, unwritten)
