"""Where a trace says that the error was raised."""

from __future__ import annotations

import re
from typing import Final

from central_error_bus.core.pattern import pattern

FRAMES: Final = 4
LINES: Final = 4  # of a trace that is not Python's
LENGTH: Final = 200

_PYTHON: Final = re.compile(r'^[\s|+]*File "([^"\n]{1,1000})", line \d+(?:, in (.{1,300}))?$')
_BLOCK: Final = "Traceback (most recent call last)"


def top_frames(trace: str) -> tuple[str, ...]:
    """The innermost frames, the raising one first. Line numbers are left out: they move with every release.

    Of a chain of Python exceptions the last one counts. Of any other trace, the first lines without what varies.
    """
    python: list[str] = []
    for line in trace.rpartition(_BLOCK)[2].splitlines():
        found = _PYTHON.match(line)
        if found is not None:
            frame = f"{_file(found[1])} {found[2] or ''}".rstrip()[:LENGTH]
            if not python or python[-1] != frame:  # a function that calls itself counts once, however deep it went
                python.append(frame)
    if python:
        return tuple(reversed(python[-FRAMES:]))
    lines = (pattern(line)[:LENGTH] for line in trace[: LENGTH * 40].splitlines() if line.strip())
    return tuple(line for _, line in zip(range(LINES), lines, strict=False))


def _file(path: str) -> str:
    """The folder and the file: the same code at another place, on another machine, is the same code."""
    return "/".join(path.replace("\\", "/").split("/")[-2:])
