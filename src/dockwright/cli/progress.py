"""What long work says while it runs: lines on standard error, with the time since the start."""

from __future__ import annotations

import sys
import time


class Progress:
    """Says each step as a plain line; `quiet` keeps them back (for `--json`, whose output is for programs)."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._began = time.monotonic()
        self._quiet = quiet

    def __call__(self, text: str) -> None:
        if not self._quiet:
            # One write a line: threads say things, too.
            print(f"[{clock(time.monotonic() - self._began)}] {text}\n", file=sys.stderr, flush=True, end="")


def clock(seconds: float) -> str:
    """`m:ss`, as people read a stop-watch."""
    return f"{int(seconds) // 60:>2}:{int(seconds) % 60:02}"


def span(seconds: float) -> str:
    """A length of time in the largest unit that tells enough: `4 s`, `12 min`, `3 h`, `5 d`."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"


def megabytes(size: int) -> str:
    """Bytes as MB (10^6), one decimal below 10."""
    return f"{size / 1e6:.1f} MB" if size < 1e7 else f"{size / 1e6:,.0f} MB"
