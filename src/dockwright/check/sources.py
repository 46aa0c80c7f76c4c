"""The Python files of services, parsed once."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dockwright.spec import context


@dataclass(frozen=True)
class Source:
    """A file and its syntax tree, or what is wrong with it and where."""

    path: Path
    tree: ast.Module | None
    error: str = ""
    line: int = 1


def of_service(folder: Path, name: str, python: tuple[int, int] | None = None) -> Iterator[Source]:
    """Every Python file that goes into a service's image, in the grammar of a Python version."""
    yield from below(folder / "services" / name, python)


def below(folder: Path, python: tuple[int, int] | None = None) -> Iterator[Source]:
    """Every Python file of a folder that builds see."""
    for path in context.found(folder):
        if path.suffix == ".py" and not context.unfit(path):  # what is unfit, the rule left-out names
            yield _parse(path, python)


def _parse(path: Path, python: tuple[int, int] | None) -> Source:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a service's own SyntaxWarnings are no concern of who reads the tree
            return Source(path, ast.parse(path.read_bytes(), str(path), feature_version=python))
    except SyntaxError as error:
        return Source(path, None, error.msg or "is no Python", error.lineno or 1)
    except (ValueError, OSError, RecursionError, MemoryError) as error:
        return Source(path, None, f"cannot be parsed: {error}")
