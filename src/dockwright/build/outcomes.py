"""What came of smoke tests, read off the lines that `inside` writes. Pure."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

Result = Literal["passed", "failed", "not run"]


@dataclass(frozen=True)
class Outcome:
    """One test in one image. `why` it failed or did not run; empty when it passed."""

    test: str
    result: Result
    why: str
    seconds: float


def outcomes(lines: Iterable[str], tests: Iterable[str]) -> tuple[Outcome, ...]:
    """The outcome of every test; a file of `tests` that nothing is known of failed."""
    return tuple(_outcomes(lines, tests))


def _outcomes(lines: Iterable[str], tests: Iterable[str]) -> Iterator[Outcome]:
    running, begun = "", set[str]()
    for line in map(_read, lines):
        if "began" in line:
            running = str(line["began"])
            begun.add(running.partition("::")[0])
        elif "test" in line:
            yield Outcome(str(line["test"]), line["outcome"], str(line["why"]), float(line["seconds"]))
            running = ""
        elif "ended" in line:
            yield Outcome(running or str(line["file"]), "failed", _broke(int(line["ended"]), str(line["wrote"])), 0.0)
            running = ""
    if running:
        yield Outcome(running, "failed", "the container ended while it ran", 0.0)
    yield from (Outcome(test, "failed", "it never began", 0.0) for test in tests if test not in begun)


def _read(line: str) -> dict[str, Any]:
    """One line; empty when it is not one of ours."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _broke(code: int, wrote: str) -> str:
    """How a test's process ended, and the last that it wrote."""
    by = signal.Signals(-code).name if -code in set(signal.Signals) else f"exit status {code}"
    return f"its process ended with {by}\n{wrote.strip()}".strip()
