"""Imports run one way, and every module of the tool can be imported by itself. Read off the source: no exemptions."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "dockwright"
# A part may import parts of lower levels and itself; parts of one level do not know each other.
LEVEL = {
    "errors": 0,
    "spec": 1,
    "engine": 2,
    "check": 3,
    "lock": 3,
    "build": 4,
    "audit": 5,
    "scan": 5,
    "release": 6,
    "rollout": 7,
    "cli": 8,
    "__main__": 9,
}


def modules() -> dict[str, ast.Module]:
    """Module name -> its tree: `dockwright.spec.load`."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = ("dockwright", *path.relative_to(SOURCE).with_suffix("").parts)
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_bytes(), str(path))
    return found


def imported(tree: ast.Module, known: set[str]) -> Iterator[tuple[str, int]]:
    """Every module of the tool that a module imports, wherever in it; `from package import name` counts the name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative imports hide where they lead"
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in known else str(node.module) for name in full]
        else:
            continue
        yield from ((name, node.lineno) for name in names if name.split(".")[0] == "dockwright")


def part(name: str) -> str:
    """The part of the house that a module belongs to; the package itself, which holds the version, is none."""
    return name.split(".")[1] if "." in name else ""


def test_every_part_has_its_level() -> None:
    assert {part(name) for name in modules()} - {""} <= set(LEVEL)


def test_imports_run_one_way() -> None:
    trees = modules()
    wrong = []
    for name, tree in trees.items():
        for other, line in imported(tree, set(trees)):
            mine, theirs = part(name), part(other)
            if theirs and mine != theirs and LEVEL[theirs] >= LEVEL.get(mine, 0):
                wrong.append(f"{name}:{line} imports {other}")
    assert wrong == []


def test_there_is_no_import_circle() -> None:
    trees = modules()
    graph = {name: {other for other, _ in imported(tree, set(trees)) if other != name} for name, tree in trees.items()}
    graphlib.TopologicalSorter(graph).prepare()


def test_errors_import_nothing_of_the_tool() -> None:
    trees = modules()
    assert list(imported(trees["dockwright.errors"], set(trees))) == []
