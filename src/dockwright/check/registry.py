"""The rules: every module in `dockwright.check.rules` is one, named after its file.

A rule is a module with a docstring, whose first line says what it demands, and a function `find(facts)` that yields
findings. A new file there is a new rule; nothing else has to know.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dockwright.check import rules
from dockwright.check.facts import Facts
from dockwright.spec.finding import Finding


@dataclass(frozen=True)
class Rule:
    """One rule: its name in findings, what it demands, and the function."""

    name: str
    about: str
    find: Callable[[Facts], Iterable[Finding]]


def all_rules() -> tuple[Rule, ...]:
    """Every rule, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(rules.__path__))
    modules = [(name, importlib.import_module(f"{rules.__name__}.{name}")) for name in names]
    return tuple(Rule(name.replace("_", "-"), (module.__doc__ or "").strip(), module.find) for name, module in modules)
