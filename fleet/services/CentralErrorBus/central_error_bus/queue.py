"""What waits to be committed: bounded in requests and in bytes, emptied by one thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from central_error_bus.limits import Limits
from central_error_bus.store.transaction import Transaction


class Full(Exception):
    """There is no room for more; nothing was taken."""


class Closed(Exception):
    """The service stops; nothing was taken."""


@dataclass(frozen=True, slots=True)
class Job:
    """`run` works inside a transaction; `done` gets what it gives once that is committed."""

    run: Callable[[Transaction], Any]
    errors: int = 0
    size: int = 0
    done: Future[Any] = field(default_factory=Future)


class Queue:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._jobs: deque[Job] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        return len(self._jobs)

    def put(self, job: Job) -> None:
        """Raises Full or Closed; never waits."""
        with self._changed:
            if self._closed:
                raise Closed
            crowded = bool(self._jobs) and self._bytes + job.size > self._limits.queue_bytes
            if len(self._jobs) >= self._limits.queue_requests or crowded:
                raise Full
            self._jobs.append(job)
            self._bytes += job.size
            self._changed.notify()

    def take(self, seconds: float | None) -> list[Job]:
        """What one transaction takes along. Waits for something to come; empty when nothing did."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._jobs) or self._closed, seconds)
            taken: list[Job] = []
            errors = 0
            while self._jobs and (not taken or errors + self._jobs[0].errors <= self._limits.transaction):
                job = self._jobs.popleft()
                self._bytes -= job.size
                errors += job.errors
                taken.append(job)
            return taken

    def close(self) -> None:
        """Takes no more; what waits is still given out."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    @property
    def closed(self) -> bool:
        return self._closed
