"""The one thread that writes: whoever publishes while a commit is under way shares the next one."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from central_error_bus.core.record import Kept
from central_error_bus.queue import Job, Queue
from central_error_bus.store.opening import broken
from central_error_bus.store.store import Store
from central_error_bus.store.transaction import Transaction

AGAIN_SECONDS: Final = 1.0


class Unwritable(Exception):
    """The disk or the database did not take it; nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What one transaction brought; `store` names the store that its numbers count in."""

    store: str
    newest: int
    kept: Sequence[Kept]
    seconds: float


class Writer:
    """`committed` is called in the writing thread after each commit, before those who wait for it are answered."""

    def __init__(self, store: Store, queue: Queue, committed: Callable[[Commit], None], log: logging.Logger) -> None:
        self._store = store
        self._queue = queue
        self._committed = committed
        self._log = log
        self._opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.problem = ""  # why the last try to write failed; empty when it did not
        self.disk_bytes = 0

    def start(self) -> None:
        """Opens the store, which may take some seconds after a crash. Raises what went wrong."""
        self._thread.start()
        self._opened.result()

    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self, seconds: float) -> bool:
        """Commits what waits and closes the store. Whether it got that far in time."""
        self._queue.close()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._store.open()
        except BaseException as error:  # noqa: BLE001 - whoever started the thread raises it
            self._opened.set_exception(error)
            return
        self._announce(())
        self._tidy()
        self._opened.set_result(None)
        while True:
            jobs = self._queue.take(AGAIN_SECONDS if self.problem else None)
            # From here on nobody can withdraw a job: what is committed is answered.
            jobs = [job for job in jobs if job.done.set_running_or_notify_cancel()]
            if jobs:
                self._write(jobs)
                self._tidy()
            elif self._queue.closed:
                break
            elif self.problem:
                self._write([Job(lambda _: None)])  # nothing comes any more: is it over?
        self._store.close()

    def _write(self, jobs: list[Job]) -> None:
        try:
            self._commit(jobs)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            if broken(error):
                self._begin_anew(jobs, error)
            elif len(jobs) > 1 and not isinstance(error, sqlite3.OperationalError):
                for job in jobs:  # one of them is to blame: the others do not suffer for it
                    self._write([job])
            else:
                self._failed(jobs, error)

    def _begin_anew(self, jobs: list[Job], why: Exception) -> None:
        """The file broke while we worked on it. What it holds is set aside; what waits goes into a new one."""
        try:
            self._store.renew(str(why))
            self._announce(())
            self._commit(jobs)
        except Exception as error:  # noqa: BLE001 - as above
            self._failed(jobs, error)

    def _commit(self, jobs: list[Job]) -> None:
        """Raises what went wrong before the commit; then nothing has happened."""
        results: list[Any] = []

        def work(transaction: Transaction) -> None:
            results.extend(job.run(transaction) for job in jobs)

        began = time.perf_counter()
        kept = self._store.transact(work).kept
        self.problem = ""
        self._announce(kept, time.perf_counter() - began)
        for job, result in zip(jobs, results, strict=True):
            job.done.set_result(result)

    def _announce(self, kept: Sequence[Kept], seconds: float = 0.0) -> None:
        try:
            self._committed(Commit(self._store.name, self._store.newest, kept, seconds))
        except Exception:  # noqa: BLE001 - it is committed: whoever published it must not be told otherwise
            self._log.exception("a commit could not be announced")

    def _tidy(self) -> None:
        """Apart from the commit: it is told already, and what fails here undoes nothing."""
        try:
            self._store.tidy()
            self.disk_bytes = self._store.disk_bytes()
        except (sqlite3.Error, OSError) as error:
            self._log.warning("the store's log could not be emptied", extra={"why": str(error)[:300]})

    def _failed(self, jobs: list[Job], error: Exception) -> None:
        said = f"{type(error).__name__}: {error}"[:300]
        if said != self.problem:
            self._log.error("errors could not be written down", exc_info=error, extra={"requests": len(jobs)})
        self.problem = said
        for job in jobs:
            job.done.set_exception(Unwritable(said))
