"""Logs: one JSON object a line on standard output, whatever a logger is given."""

from __future__ import annotations

import functools
import json
import logging
import math
import sys
import threading
import time
from datetime import datetime, timezone
from typing import Any, Final, TextIO

from pythonjsonlogger.json import JsonFormatter

MESSAGE_CHARS: Final = 4000
TRACE_CHARS: Final = 10_000  # a container engine cuts lines at 16 KiB
FIELD_CHARS: Final = 2000
BURST: Final = 1000
LINES_A_SECOND: Final = 20
DROPPED: Final = frozenset({"exc_info", "stack_info", "color_message"})  # told as `trace`, or meant for terminals

log: Final = logging.getLogger("servicekit")


class Lines(JsonFormatter):
    """Line breaks, control characters and lone surrogates become escapes; no field of a caller replaces ours."""

    def __init__(self, service: str, machine: str) -> None:
        strict = functools.partial(json.dumps, allow_nan=False)
        super().__init__(json_default=lambda value: _bounded(str(value)), json_serializer=strict)
        self._origin = {"service": service, "machine": machine}

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        log_data.update(self._ours(record, record.getMessage()))
        if trace := message_dict.get("exc_info"):
            log_data["trace"] = str(trace)[-TRACE_CHARS:]
        theirs: dict[str, Any] = {}
        super().add_fields(theirs, record, message_dict)
        log_data.update((k, _bounded(v)) for k, v in theirs.items() if k not in log_data and k not in DROPPED)

    def _ours(self, record: logging.LogRecord, message: str) -> dict[str, Any]:
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        return {
            "time": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message[:MESSAGE_CHARS],
            **self._origin,
        }

    def format(self, record: logging.LogRecord) -> str:
        try:
            return str(super().format(record))
        except Exception:  # noqa: BLE001 - arguments that do not fit, fields that are no JSON: the line still comes
            return json.dumps(self._ours(record, str(record.msg)))


def _bounded(value: Any) -> Any:
    if isinstance(value, str):
        return value[:FIELD_CHARS]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


class Sparing(logging.Filter):
    """Lets a burst through, then so many a second: whoever can cause a line cannot fill the disk with it."""

    def __init__(self) -> None:
        super().__init__()
        self._left = float(BURST)
        self._at = time.monotonic()
        self._dropped = 0

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        self._left = min(float(BURST), self._left + (now - self._at) * LINES_A_SECOND)
        self._at = now
        if self._left < 1:
            self._dropped += 1
            return False
        self._left -= 1
        if self._dropped:
            record.lines_left_out, self._dropped = self._dropped, 0
        return True


def configure(service: str, machine: str, stream: TextIO) -> None:
    """Every logger of this process writes through one handler; the server's access lines stay off."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines(service, machine))
    handler.addFilter(Sparing())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(True)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # its warnings tell of each malformed request
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
    threading.excepthook = _of_thread
    sys.unraisablehook = _of_nobody


def _of_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        name = args.thread.name if args.thread else "?"
        log.error("a thread ended with an exception", exc_info=args.exc_value, extra={"thread_name": name})


def _of_nobody(args: sys.UnraisableHookArgs) -> None:
    log.error("an exception that nobody could catch", exc_info=args.exc_value, extra={"where": repr(args.object)[:200]})
