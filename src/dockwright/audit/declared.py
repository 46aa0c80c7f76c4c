"""Requirements as people wrote them, each with the reason that stands beside it where no code imports it.

    gunicorn     # runs: the server of services that bring their own

`runs:` says what a package is there for that nothing imports: a program, a server, a plugin that another finds itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dockwright.lock import requirement
from dockwright.lock.platform import Target
from dockwright.spec.document import text_of

REASON = re.compile(r"#\s*runs:\s*(?P<reason>\S.*?)\s*$")


@dataclass(frozen=True)
class Declared:
    """A requirement, its place, and what it is there for where that was written beside it."""

    name: str
    file: str
    line: int
    reason: str = ""


def read(root: Path, inputs: Iterable[Path], target: Target) -> list[Declared]:
    """The requirements of some files that count for a target. Raises SpecError for a line that is none."""
    found = []
    for file in inputs:
        lines = text_of(root / file, str(file)).splitlines()
        for asked in requirement.read(root, [file]):
            if requirement.applies(asked.requirement, target.markers):
                match = REASON.search(lines[asked.line - 1])
                found.append(Declared(asked.name, asked.file, asked.line, match["reason"] if match else ""))
    return found
