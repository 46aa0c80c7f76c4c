"""A finding: one thing that is wrong or worth knowing, with its place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from dockwright.errors import UnreadableInput

Severity = Literal["error", "warning", "info"]
ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Finding:
    """`path` is the key in the declaration, `file` is relative to the repository, `line` starts at 1."""

    rule: str
    severity: Severity
    path: str
    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return printable(f"{self.file}:{self.line}: {self.path}: {self.message}")

    def as_json(self) -> dict[str, str | int]:
        """The shape that `dockwright check --json` prints."""
        return asdict(self)


def printable(text: str) -> str:
    """A text of unknown origin on one line of a terminal: control and broken characters are written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


class SpecError(UnreadableInput):
    """The declaration cannot be used; `findings` holds everything that is wrong with it."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(map(str, self.findings)), "./dockwright check shows everything at once")


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then by file, line and path: the same order every time."""
    return sorted(set(findings), key=lambda f: (ORDER[f.severity], f.file, f.line, f.path, f.rule, f.message))
