"""A service's code needs nothing that builds leave out, and its folder holds nothing that no build can take.

Builds leave out tests, caches and what is given to a container when it runs: folders named models, data and logs, and
Markdown. A package of such a name passes its tests and is missing in the image.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

from dockwright.check import sources
from dockwright.check.facts import Facts
from dockwright.spec import context
from dockwright.spec.finding import Finding

Place = tuple[Path, int]
# Calls whose texts are paths; elsewhere a bare word such as "models" is only a word.
PATHS = {"Path", "PurePath", "joinpath", "join", "open", "files"}


def find(facts: Facts) -> Iterator[Finding]:
    folders = [facts.folder / "services" / name for name in facts.fleet.implementations]
    for folder in (*folders, *(facts.folder / "families" / name for name in facts.fleet.families)):
        for path in context.found(folder):
            if why := context.unfit(path):
                shown = str(path.relative_to(folder))
                yield Finding("left-out", "error", shown, facts.shown(path), 1, f"{why}; mend or remove it")
    for folder in folders:
        needed = dict(_needed(facts.folder, folder))
        for lost in _lost(folder):
            if place := needed.get(lost) or _of_itself(folder, lost):
                path, line = place
                says = f"{folder.name}'s image has no {lost}: builds leave out {_kind(lost)}; give it another name"
                yield Finding("left-out", "error", str(lost), facts.shown(path), line, says)


def _kind(lost: Path) -> str:
    return f"every {lost.suffix} file" if lost.suffix == ".md" else f"every folder called {lost.name}"


def _lost(folder: Path) -> Iterator[Path]:
    """What is left out, relative to a service's folder: whole folders, and Markdown. Caches are nobody's files."""
    for here, folders, names in os.walk(folder):
        inside = Path(here).relative_to(folder)
        out = sorted(name for name in folders if context.left_out_folder(name))
        folders[:] = sorted(set(folders) - set(out))
        yield from (inside / name for name in out if name != "__pycache__" and not name.startswith("."))
        yield from (inside / name for name in sorted(names) if name.endswith(".md"))


def _of_itself(folder: Path, lost: Path) -> Place | None:
    """Where a left-out folder shows that it is part of the program: it lies in a package, or has Python in it."""
    if lost.name == "tests" or not (folder / lost).is_dir():
        return None
    held = sorted(path for path in (folder / lost).rglob("*") if path.is_file())
    code = [path for path in held if path.suffix == ".py"]
    chosen = code or (held if lost.parent != Path() else [])
    return (chosen[0], 1) if chosen else None


def _needed(fleet: Path, folder: Path) -> Iterator[tuple[Path, Place]]:
    """What is left out -> the first place in the code that imports or opens it."""
    lost = list(_lost(folder))
    for source in [*sources.of_service(fleet, folder.name)][::-1] if lost else ():
        at = source.path.relative_to(folder).parent
        for wanted, line in sorted(_wanted(source.tree, at), key=lambda pair: -pair[1]):
            yield from ((each, (source.path, line)) for each in lost if _is_in(wanted, each, at))


def _is_in(wanted: Path, lost: Path, at: Path) -> bool:
    """Whether a path, from the service's folder or from the folder `at` of who names it, leads into what is lost."""
    if lost.suffix == ".md":
        return wanted.name == lost.name
    return any(path == lost or lost in path.parents for path in (wanted, at / wanted))


def _wanted(tree: ast.Module | None, at: Path) -> Iterator[tuple[Path, int]]:
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            yield from ((Path(*alias.name.split(".")), node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = Path(*at.parts[: len(at.parts) - node.level + 1]) if node.level else Path()
            full = base.joinpath(*(node.module or "").split("."))
            yield from ((full / alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(".md"):
            yield Path(node.value), node.lineno
        elif isinstance(node, ast.BinOp | ast.Call):
            yield from ((Path(text), node.lineno) for text in _path_texts(node))


def _path_texts(node: ast.BinOp | ast.Call) -> Iterator[str]:
    """Texts that are parts of paths: operands of `/`, and arguments of calls that take paths."""
    if isinstance(node, ast.BinOp):
        parts = [node.left, node.right] if isinstance(node.op, ast.Div) else []
    else:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        parts = node.args if name in PATHS else []
    yield from (part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))
