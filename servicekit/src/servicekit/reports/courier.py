"""A thread that brings something to a peer, again and again until it is there, politely."""

from __future__ import annotations

import logging
import random
import threading
from typing import Final

from servicekit.client import Reply
from servicekit.errors import Unanswered
from servicekit.service import Service

FIRST_SECONDS: Final = 0.5
log: Final = logging.getLogger(__name__)


class Backoff:
    """Doubling waits with jitter: peers that come back are not met by all their callers at once."""

    def __init__(self, most: float) -> None:
        self._most = most
        self._next = FIRST_SECONDS

    def reset(self) -> None:
        self._next = FIRST_SECONDS

    def wait(self) -> float:
        wait, self._next = self._next, min(self._most, self._next * 2)
        return wait * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def accepted(reply: Reply, *statuses: int) -> Reply:
    """The reply, when its status is one of `statuses`. Raises Unanswered."""
    if reply.status not in statuses:
        raise Unanswered(f"answers {reply.status}")
    return reply


def declared(service: Service, peer: str, what: str) -> bool:
    """Whether there is somebody to tell; if not, that is said."""
    if peer in service.peers:
        return True
    log.info("%s not sent: %s is no declared peer", what, peer)
    return False


class Courier(threading.Thread):
    """`step` does one thing and says how long to wait for the next, or None when all is done.

    What it raises is tried again; that is logged once, until it changes or goes away.
    """

    def __init__(self, name: str, most_seconds: float) -> None:
        super().__init__(name=name, daemon=True)
        self._backoff = Backoff(most_seconds)
        self._wake = threading.Event()
        self._closing = False
        self._trouble = ""

    def step(self) -> float | None:
        raise NotImplementedError

    def last(self) -> None:
        """Done once at the end; best effort."""

    def close(self) -> None:
        """Ends the thread soon; from any thread."""
        self._closing = True
        self._wake.set()

    def nudge(self) -> None:
        """There is something to bring now; a peer that does not answer is not asked sooner for it."""
        if not self._trouble:
            self._wake.set()

    def run(self) -> None:
        wait: float | None = 0.0
        while wait is not None:
            self._wake.wait(wait)
            self._wake.clear()
            if self._closing:
                break
            wait = self._tried()
        if self._closing:
            self._end()

    def _tried(self) -> float | None:
        try:
            wait = self.step()
        except Exception as error:  # noqa: BLE001 - whatever it is, the peer is asked again
            trouble = str(error) or type(error).__name__
            wait = self._backoff.wait()
            if trouble != self._trouble:
                log.warning("%s: not brought, tried again", self.name, extra={"why": trouble[:500]})
            self._trouble = trouble
        else:
            if self._trouble:
                log.info("%s: brought after all", self.name)
            self._trouble = ""
            self._backoff.reset()
        return wait

    def _end(self) -> None:
        try:
            self.last()
        except Exception as error:  # noqa: BLE001 - the process ends anyway
            log.info("%s: no farewell", self.name, extra={"why": str(error)[:500]})
