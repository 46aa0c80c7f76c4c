"""Conditions that are known before a program runs: its Python version, its system, whether a type checker reads it."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
# What images have: `sys.platform`, `os.name`, `platform.system()`.
KNOWN = {"platform": "linux", "name": "posix", "system": "Linux"}
OWNERS = {"platform": "sys", "name": "os", "system": "platform"}


def holds(test: ast.expr, python: tuple[int, int]) -> bool | None:
    """Whether a condition holds in an image with this Python; None where only a run can tell."""
    if isinstance(test, ast.BoolOp):
        parts = [holds(part, python) for part in test.values]
        decisive = isinstance(test.op, ast.Or)
        if decisive in parts:
            return decisive
        return None if None in parts else not decisive
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = holds(test.operand, python)
        return None if inner is None else not inner
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _compared(test.left, test.ops[0], test.comparators[0], python)
    if isinstance(test, ast.Call):
        return _starts(test)
    return False if _attribute(test, "typing", "TYPE_CHECKING") else None


def _compared(left: ast.expr, op: ast.cmpop, right: ast.expr, python: tuple[int, int]) -> bool | None:
    compare = COMPARED.get(type(op))
    if compare is None:
        return None
    if _is_version(left):
        try:
            wanted = ast.literal_eval(right)
        except ValueError:
            return None
        ok = isinstance(wanted, tuple) and len(wanted) <= 2 and all(isinstance(part, int) for part in wanted)
        # Python itself compares five parts: (3, 11, 4, …) is above (3, 11), and never equal to it.
        return compare((*python, 0) if not isinstance(left, ast.Subscript) else python, wanted) if ok else None
    if isinstance(right, ast.Constant) and isinstance(op, ast.Eq | ast.NotEq) and (known := _known(left)):
        return compare(known, right.value)
    return None


def _is_version(node: ast.expr) -> bool:
    """`sys.version_info` or `sys.version_info[:2]`."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and node.slice.lower is None:
        upper = node.slice.upper
        return isinstance(upper, ast.Constant) and upper.value == 2 and _is_version(node.value)
    return _attribute(node, "sys", "version_info")


def _known(node: ast.expr) -> str:
    target = node.func if isinstance(node, ast.Call) and not node.args else node
    return next((value for name, value in KNOWN.items() if _attribute(target, OWNERS[name], name)), "")


def _starts(call: ast.Call) -> bool | None:
    """`sys.platform.startswith("win")`."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "startswith" or len(call.args) != 1:
        return None
    known, prefix = _known(call.func.value), call.args[0]
    if not known or not isinstance(prefix, ast.Constant) or not isinstance(prefix.value, str):
        return None
    return known.startswith(prefix.value)


def _attribute(node: ast.expr, owner: str, name: str) -> bool:
    """`owner.name`; for what is imported under its own name (TYPE_CHECKING, version_info) the bare name as well."""
    if isinstance(node, ast.Attribute):
        return node.attr == name and isinstance(node.value, ast.Name) and node.value.id in (owner, "t")
    return isinstance(node, ast.Name) and node.id == name and name in ("TYPE_CHECKING", "version_info")
