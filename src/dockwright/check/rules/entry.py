"""A service's entry names a module in its folder and a function in that module."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding


def find(facts: Facts) -> Iterator[Finding]:
    for name, service in facts.fleet.implementations.items():
        module, factory = service.entry.split(":")
        base = (facts.folder / "services" / name).joinpath(*module.split("."))
        path = next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)
        if path is None:
            says = f"there is no {module.replace('.', '/')}.py in the service's folder"
            yield finding("entry", "error", service, "entry", says, "entry")
        elif factory not in _names(path.read_bytes()):
            says = f"{facts.shown(path)} defines no '{factory}'"
            yield finding("entry", "error", service, "entry", says, "entry")


def _names(source: bytes) -> set[str]:
    """What a module defines or imports at its top level; everything when it does not parse (another rule says so)."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return _Everything()
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return names


class _Everything(set[str]):
    def __contains__(self, _: object) -> bool:
        return True
