"""Errors on their way to CentralErrorBus: at a bounded rate, through a bounded queue, in batches."""

from __future__ import annotations

import logging
import threading
import time
import traceback
import uuid
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Final

from prometheus_client import Counter

from servicekit.reports.courier import Courier, accepted
from servicekit.service import Service

BUS: Final = "CentralErrorBus"
MOST: Final = 200  # waiting
BATCH: Final = 50
RATE: Final = 2.0  # a second, after a burst of as many as may wait
MOST_SECONDS: Final = 60.0
NEVER: Final = (400, 413, 422)  # what was sent is at fault, not the moment
FAREWELL_SECONDS: Final = 1.0
MESSAGE_CHARS: Final = 2000
TRACE_CHARS: Final = 16_000
CONTEXT_KEYS: Final = 20
CONTEXT_CHARS: Final = 500
log: Final = logging.getLogger(__name__)


def described(error: BaseException | str, context: Mapping[str, Any]) -> dict[str, Any]:
    """Bounded, and text throughout: what goes wrong may be of any size and kind."""
    found: dict[str, Any] = {
        "kind": type(error).__name__ if isinstance(error, BaseException) else "Error",
        "message": _clean(str(error), MESSAGE_CHARS) or "(no message)",
        "context": {
            _clean(key, 100): value if isinstance(value, (int, bool)) else _clean(str(value), CONTEXT_CHARS)
            for key, value in list(context.items())[:CONTEXT_KEYS]
        },
    }
    if isinstance(error, BaseException) and error.__traceback__ is not None:
        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        found["trace"] = _clean(trace[-TRACE_CHARS:], TRACE_CHARS)
    return found


def _clean(text: str, most: int) -> str:
    return text[:most].encode("utf-8", "replace").decode()


class ErrorReports(Courier):
    """The thread starts with the first error: most instances never need it."""

    @classmethod
    def attach(cls, service: Service) -> ErrorReports | None:
        """From now on the service's errors are sent, if there is somewhere to send them."""
        if BUS not in service.peers:
            return None
        made = cls(service)
        service.reporter = made.add
        return made

    def __init__(self, service: Service) -> None:
        super().__init__("error-reports", MOST_SECONDS)
        self._service = service
        self._lock = threading.Lock()
        self._queue: deque[dict[str, Any]] = deque()
        self._tokens = float(MOST)
        self._counted_at = time.monotonic()
        self._lost = Counter("error_reports_lost", "Errors not sent: too many, or not taken", registry=service.metrics)

    def add(self, error: BaseException | str, context: Mapping[str, Any]) -> None:
        try:
            one = described(error, context)
        except Exception as trouble:  # noqa: BLE001 - an error whose str() fails is an error still
            one = {"kind": type(error).__name__, "message": f"cannot be told: {type(trouble).__name__}", "context": {}}
        with self._lock:
            if not self._allowed():
                self._lost.inc()
                return
            self._queue.append({**self._origin(), **one})
            if self.ident is None:  # not started yet
                self.start()
        self.nudge()

    def last(self) -> None:
        self.step()

    def finish(self) -> None:
        """A last moment for what still waits."""
        if self.is_alive():
            self.close()
            self.join(FAREWELL_SECONDS)

    def _allowed(self) -> bool:
        now = time.monotonic()
        self._tokens = min(float(MOST), self._tokens + (now - self._counted_at) * RATE)
        self._counted_at = now
        if self._tokens < 1 or len(self._queue) >= MOST:
            return False
        self._tokens -= 1
        return True

    def _origin(self) -> dict[str, str]:
        at = datetime.fromtimestamp(time.time(), timezone.utc).isoformat(timespec="milliseconds")
        # The same when it is sent again because an answer was lost: it counts once.
        return {
            "id": uuid.uuid4().hex,
            "service": self._service.name,
            "machine": self._service.machine,
            "at": at,
            "level": "error",
        }

    def step(self) -> float:
        with self._lock:
            batch = [self._queue[index] for index in range(min(BATCH, len(self._queue)))]
        if not batch:
            return threading.TIMEOUT_MAX
        reply = self._service.peers.call(BUS, "POST", "/v1/errors", json=batch)
        if reply.status in NEVER:
            # It would be refused again and again, and hold up all that comes after it.
            log.error("errors are not taken and not sent again", extra={"status": reply.status, "count": len(batch)})
            self._lost.inc(len(batch))
        else:
            accepted(reply, 200, 202)
        with self._lock:
            for _ in batch:
                self._queue.popleft()
        return 0.0
