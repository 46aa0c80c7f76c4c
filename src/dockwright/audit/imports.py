"""What a module imports when it runs: read off its syntax tree, nothing is executed.

Told apart are imports that must succeed, those that the code can go on without (`try … except ImportError`,
`contextlib.suppress`), and those that never happen: for type checkers only, for another Python, another system.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import stdlib_list

from dockwright.audit import conditions

CATCHING = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


@dataclass(frozen=True)
class Import:
    """One import. `member`: what `from name import member` takes, a module or not.

    `instead_of`: modules whose absence is why it is imported at all; it counts where one of them is missing.
    """

    name: str
    line: int
    member: str = ""
    optional: bool = False
    instead_of: tuple[str, ...] = ()

    @property
    def top(self) -> str:
        return self.name.split(".")[0]


@cache
def standard(python: str) -> frozenset[str]:
    """The top-level modules of a Python version's standard library."""
    return frozenset(name.split(".")[0] for name in stdlib_list.stdlib_list(python))


def imports(tree: ast.Module, python: tuple[int, int]) -> list[Import]:
    """Every absolute import of a module, in the order of its lines; relative ones lead into its own package."""
    finder = _Finder(python)
    finder.visit(tree)
    return sorted(set(finder.found), key=lambda one: (one.line, one.name, one.member))


class _Finder(ast.NodeVisitor):
    def __init__(self, python: tuple[int, int]) -> None:
        self._python = python
        self._optional = False
        self._instead_of: tuple[str, ...] = ()
        self.found: list[Import] = []

    def _add(self, name: str, line: int, member: str = "") -> None:
        self.found.append(Import(name, line, member, self._optional, self._instead_of))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name, node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level == 0 and node.module and node.module != "__future__":
            for alias in node.names:
                self._add(node.module, node.lineno, "" if alias.name == "*" else alias.name)

    def visit_Call(self, node: ast.Call) -> None:
        """`importlib.import_module("name")` and `__import__("name")`."""
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0] if node.args else None
        name = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
        if called in ("import_module", "__import__") and name and not name.startswith("."):
            self._add(name, node.lineno)
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        holds = conditions.holds(node.test, self._python)
        self.visit(node.test)
        for statement in [*(node.body if holds is not False else ()), *(node.orelse if holds is not True else ())]:
            self.visit(statement)

    def visit_With(self, node: ast.With) -> None:
        names = {name for item in node.items for name in _suppressed(item.context_expr)}
        with self._under(optional=bool(names & CATCHING)):
            self.generic_visit(node)

    def visit_Try(self, node: ast.Try) -> None:
        handlers = [handler for handler in node.handlers if _catches(handler)]
        goes_on = bool(handlers) and not any(isinstance(handler.body[-1], ast.Raise) for handler in handlers)
        before = len(self.found)
        with self._under(optional=goes_on):
            self._all(node.body)
        tried = tuple(dict.fromkeys(one.name for one in self.found[before:]))
        for handler in node.handlers:
            with self._under(instead_of=tried if handler in handlers else ()):
                self._all(handler.body)
        with self._under(optional=goes_on):
            self._all(node.orelse)
        self._all(node.finalbody)

    def _all(self, nodes: list[ast.stmt]) -> None:
        for node in nodes:
            self.visit(node)

    @contextmanager
    def _under(self, *, optional: bool = False, instead_of: tuple[str, ...] = ()) -> Iterator[None]:
        before = self._optional, self._instead_of
        self._optional, self._instead_of = before[0] or optional, instead_of or before[1]
        try:
            yield
        finally:
            self._optional, self._instead_of = before


def _catches(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(_name(one) in CATCHING for one in types)


def _suppressed(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Call) and _name(node.func) == "suppress":
        yield from map(_name, node.args)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
