"""Reads what the audit of code looks at: each image's code, its lock, and the requirements behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dockwright.audit import declared
from dockwright.audit.code import Unit
from dockwright.check import sources
from dockwright.check.sources import Source
from dockwright.lock.inventory import Inventory
from dockwright.lock.tasks import KIT, Task
from dockwright.spec import context

KIT_SOURCE = KIT.parent / "src" / "servicekit"


def units(inventory: Inventory) -> list[Unit]:
    """Every image with a lock that can be read: families, parents first, then the implemented services."""
    kit: dict[str, list[tuple[str, Source]]] = {}
    found = []
    for task in inventory.python.values():
        if not task.ships or task.name not in inventory.python_locks:
            continue
        asked = tuple(declared.read(inventory.root, task.inputs, task.target))
        code = list(_code(inventory.root, task, task.file.parent))
        if code and KIT in task.inputs:
            python = task.target.python
            if python not in kit:
                kit[python] = list(_code(inventory.root, task, KIT_SOURCE))
            code += kit[python]
        own = frozenset(_importable(inventory.root / task.file.parent))
        found.append(Unit(task.name, task, inventory.python_locks[task.name], asked, tuple(code), own))
    return found


def _code(root: Path, task: Task, folder: Path) -> Iterator[tuple[str, Source]]:
    major, minor = map(int, task.target.python.split("."))
    for source in sources.below(root / folder, (major, minor)):
        yield str(source.path.relative_to(root)), source


def _importable(folder: Path) -> Iterator[str]:
    """Names that lie in a folder and are imported from it, the image's working directory being first on its path."""
    for path in context.found(folder):
        if path.suffix == ".py":
            first = path.relative_to(folder).parts[0]
            yield first.removesuffix(".py")
