"""Programs that Python code runs and libraries that it opens by name. Runs on the host and in images (Python 3.10+).

Only what is written out is seen: `subprocess.run(["ffmpeg", …])`, `shutil.which("ffmpeg")`, `ctypes.CDLL("libx.so")`,
`ctypes.util.find_library("x")`. What is put together at run time is not.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

# Cheap to look for in bytes; only files that have one of these are parsed.
HINT = re.compile(
    rb"CDLL|LoadLibrary|find_library|dlopen|subprocess|Popen|\bwhich\(|\.system\(|\.popen\(|\.(exec|spawn)[lv]p?e?\("
)
LIBRARY = {"CDLL", "PyDLL", "LoadLibrary", "dlopen"}
RUNNING = {"run", "call", "check_call", "check_output", "Popen", "popen", "system", "getoutput", "getstatusoutput"}
RUNNING |= {"execv", "execvp", "execvpe", "execve", "execl", "execlp", "spawnlp", "spawnvp"}
RUNNING |= {"create_subprocess_exec", "create_subprocess_shell"}
OWNERS = {"subprocess", "os", "shutil", "asyncio", "sp", "which", "Popen", "check_output", "check_call"}
# The first word of a command line, without assignments before it.
PROGRAM = re.compile(r"^(?:[A-Z_]+=\S+\s+)*(?P<name>[A-Za-z0-9_.+/-]+)(?:\s|$)")


def calls(source: bytes) -> Iterator[tuple[str, str, int]]:
    """(`program`, `sought` or `library`, name, line) for each call that names what it runs, looks for, or opens."""
    if not HINT.search(source):
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    assigned = dict(_assigned(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            yield from _call(node, assigned)


def _assigned(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Variables that hold a command: `command = ["ffmpeg", …]`; of several values the last."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and (text := _first_text(node.value)):
            yield node.targets[0].id, text


def _call(node: ast.Call, assigned: dict[str, str]) -> Iterator[tuple[str, str, int]]:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    first = node.args[0]
    text = assigned.get(first.id, "") if isinstance(first, ast.Name) else _first_text(first)
    if not text:
        return
    if called == "find_library":
        yield "library", f"lib{text}.so", node.lineno
    elif called in LIBRARY and ".so" in text:
        yield "library", text, node.lineno
    elif (called in RUNNING or called == "which") and _owner(node.func) in OWNERS and (match := PROGRAM.match(text)):
        yield "sought" if called == "which" else "program", match["name"], node.lineno


def _owner(func: ast.expr) -> str:
    """`subprocess` of `subprocess.run`; the name itself where it was imported from its module."""
    if isinstance(func, ast.Attribute):
        return func.value.id if isinstance(func.value, ast.Name) else ""
    return getattr(func, "id", "")


def _first_text(node: ast.expr) -> str:
    """The text itself, or the first one of a list."""
    while isinstance(node, ast.List | ast.Tuple) and node.elts:
        node = node.elts[0]
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        node = node.left
        while isinstance(node, ast.List | ast.Tuple) and node.elts:
            node = node.elts[0]
    if isinstance(node, ast.JoinedStr) and node.values and " " in _first_text(node.values[0]):
        node = node.values[0]  # f"nvidia-smi {option}"
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
