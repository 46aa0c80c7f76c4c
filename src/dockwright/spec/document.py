"""One TOML file: its values as Python's own parser reads them, each table knowing where it stands."""

from __future__ import annotations

import re
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any

from dockwright.spec import positions
from dockwright.spec.finding import Finding, SpecError

# A declaration is text that people write; what is larger was not.
MAX_BYTES = 16 * 1024 * 1024
Path_ = tuple[str | int, ...]


class Document:
    """The text of a file. Positions are only worked out when somebody asks for a line."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text

    @cached_property
    def _lines(self) -> dict[Path_, int]:
        return positions.lines(self.text)

    def line(self, path: Path_) -> int:
        """The line, from 1, of the deepest part of a key path that stands in the file."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)


class Table(dict[str, Any]):
    """A TOML table that knows its document and its path in it."""

    def __init__(self, values: dict[str, Any], document: Document, path: Path_) -> None:
        super().__init__(values)
        self.document = document
        self.path = path


def read(path: Path, file: str) -> Table:
    """Read a TOML file; `file` is the name that findings show. Raises SpecError with every syntax error."""
    return parse(text_of(path, file), file)


def parse(text: str, file: str) -> Table:
    """The values of a TOML text; `file` is the name that findings show. Raises SpecError with every syntax error."""
    try:
        values = tomllib.loads(text)
    except RecursionError:
        raise SpecError([_syntax(file, 1, "is nested too deeply")]) from None
    except ValueError as error:  # TOMLDecodeError, and integers that are longer than Python reads
        raise SpecError(_syntax_findings(file, text, error)) from None
    document = Document(file, text)
    made: Table = _placed(values, document, ())
    return made


def text_of(path: Path, file: str) -> str:
    """The text of a file. Raises SpecError where it is missing, too large or no UTF-8."""
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except FileNotFoundError:
        raise SpecError([_unreadable(file, 1, "the file does not exist")]) from None
    except OSError as error:
        raise SpecError([_unreadable(file, 1, f"cannot be read: {error.strerror or error}")]) from None
    if data is None:
        raise SpecError([_unreadable(file, 1, f"is larger than {MAX_BYTES // 2**20} MiB")])
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SpecError([_unreadable(file, line, f"byte {data[error.start]:#04x} is not UTF-8 text")]) from None


def _syntax_findings(file: str, text: str, error: ValueError) -> list[Finding]:
    found = [_syntax(file, line, says) for line, says in positions.problems(text)]
    match = re.search(r"^(.*?) \(at (?:line (\d+), column \d+|end of document)\)$", str(error), re.DOTALL)
    if match:
        line = int(match[2]) if match[2] else max(text.rstrip().count("\n"), 0) + 1
        # Where the tree sees nothing at or before that line, the parser's own words are what there is.
        if not any(finding.line <= line for finding in found):
            found.append(_syntax(file, line, f"is not TOML: {match[1][0].lower()}{match[1][1:]}"))
    elif not found:
        found.append(_syntax(file, 1, "holds a number that is too long to read"))
    return found


def _placed(value: Any, document: Document, path: Path_) -> Any:
    """Tables become Table, arrays become tuples: values that cannot be changed by accident."""
    if isinstance(value, dict):
        return Table({k: _placed(v, document, (*path, k)) for k, v in value.items()}, document, path)
    if isinstance(value, list):
        return tuple(_placed(item, document, (*path, i)) for i, item in enumerate(value))
    return value


def _syntax(file: str, line: int, says: str) -> Finding:
    return Finding("toml-syntax", "error", Path(file).name, file, line, says)


def _unreadable(file: str, line: int, says: str) -> Finding:
    return Finding("unreadable", "error", Path(file).name, file, line, says)
