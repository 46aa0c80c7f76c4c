"""The bus: what is published goes through the queue into the store, and from there to who listens and who asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from central_error_bus.core.record import Incoming
from central_error_bus.limits import Limits
from central_error_bus.measures import Measures
from central_error_bus.queue import Closed, Full, Job, Queue
from central_error_bus.readers import Readers
from central_error_bus.recent import Recent
from central_error_bus.store.store import Store
from central_error_bus.store.transaction import Added, Transaction
from central_error_bus.writer import Commit, Writer

STOP_SECONDS: Final = 2.5


class Bus:
    """Belongs to the event loop that starts it."""

    def __init__(self, folder: Path, limits: Limits, measures: Measures, log: logging.Logger) -> None:
        self.limits = limits
        self.measures = measures
        self.store = Store(folder, limits, log)
        self.queue = Queue(limits)
        self.recent = Recent(limits)
        self.writer = Writer(self.store, self.queue, self._committed, log)
        self.readers = Readers(self.store.path, limits, self._suspect)
        self.log = log
        self._suspected: Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Raises sqlite3.Error, OSError."""
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self.writer.start)

    async def stop(self) -> None:
        """What waits is committed and answered."""
        self.queue.close()
        await asyncio.to_thread(self.readers.close)
        if not await asyncio.to_thread(self.writer.stop, STOP_SECONDS):
            self.log.warning("the last errors are still being written")

    async def publish(self, errors: Sequence[Incoming]) -> Added:
        """Returns when they are on the disk. Raises Full, Closed, Unwritable; then none of them is kept."""

        def run(transaction: Transaction) -> Added:
            return transaction.add(errors)

        done: Future[Added] = Future()
        self.queue.put(Job(run, len(errors), sum(one.size for one in errors), done))
        added = await asyncio.wrap_future(done)
        self.measures.accepted.inc(len(errors) - added.duplicates)
        self.measures.duplicates.inc(added.duplicates)
        return added

    async def settle_group(self, fingerprint: str, state: str, note: str | None) -> bool:
        """Whether there is such a group. Raises like `publish`."""

        def run(transaction: Transaction) -> bool:
            return transaction.settle_group(fingerprint, state, note)

        done: Future[bool] = Future()
        self.queue.put(Job(run, 0, len(note or ""), done))
        return await asyncio.wrap_future(done)

    def _committed(self, commit: Commit) -> None:
        """In the writing thread."""
        if self._loop is not None:
            self.measures.commit(commit)
            self._loop.call_soon_threadsafe(self.recent.take, commit)

    def _suspect(self) -> None:
        """Somebody read nonsense: the writer looks for itself, and begins anew when it is true."""
        if self._suspected is not None and not self._suspected.done():
            return
        job = Job(lambda transaction: transaction.check())
        try:
            self.queue.put(job)
            self._suspected = job.done
        except (Full, Closed):
            pass  # the next reader suspects again

    def numbers(self) -> dict[str, tuple[str, float]]:
        held = self.store.held
        return {
            "errorbus_stored": ("Errors that are kept.", held.errors),
            "errorbus_groups": ("Groups that are kept.", held.groups),
            "errorbus_removed_total": ("Errors removed since the start to make room.", held.removed),
            "errorbus_groups_forgotten_total": ("Groups removed since the start to make room.", held.forgotten),
            "errorbus_disk_bytes": ("The database and its log.", self.writer.disk_bytes),
            "errorbus_waiting": ("Requests that wait for a commit.", len(self.queue)),
            "errorbus_writable": ("1 unless the last try to write failed.", float(not self.writer.problem)),
        }
