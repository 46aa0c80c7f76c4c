"""Where each key of a TOML text stands, and everything that is no TOML in it.

Python's parser gives values without positions and stops at the first error; tree-sitter gives a tree of the whole
text, with its errors in it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

Path = tuple[str | int, ...]
KEYS = {"bare_key", "quoted_key", "dotted_key"}


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_toml.language()))


def _root(text: str) -> Node:
    return _parser().parse(text.encode()).root_node


def lines(text: str) -> dict[Path, int]:
    """Line, from 1, of every table, array item and key, by its path: ("services", "Name", "port")."""
    found: dict[Path, int] = {}
    for path, node in _walk(_root(text)):
        found.setdefault(path, node.start_point.row + 1)
    return found


def problems(text: str) -> list[tuple[int, str]]:
    """Every place that is no TOML and every key that is there twice: (line, what is wrong)."""
    root = _root(text)
    said: dict[int, str] = {}
    for node in _errors(root):
        line = node.start_point.row + 1
        if node.is_missing:
            said.setdefault(line, f"'{node.type}' is missing here")
        else:
            said.setdefault(line, f"'{_excerpt(node)}' is not TOML here")
    for line, says in _duplicates(root):
        said.setdefault(line, says)
    return sorted(said.items())


def _errors(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            yield node
        elif node.has_error:
            stack.extend(node.children)


def _excerpt(node: Node) -> str:
    text = (node.text or b"").decode(errors="replace").split("\n")[0].strip()
    return text if len(text) <= 30 else f"{text[:27]}..."


def _duplicates(root: Node) -> Iterator[tuple[int, str]]:
    """Keys and tables that are defined twice. Tables of an array, and a table that only opens a deeper one, are not."""
    first: dict[Path, int] = {}
    for path, node in _walk(root):
        if node.type not in ("pair", "table"):
            continue
        line = node.start_point.row + 1
        if path in first:
            yield line, f"'{'.'.join(map(str, path))}' is there twice; the first stands on line {first[path]}"
        first.setdefault(path, line)


def _walk(root: Node) -> Iterator[tuple[Path, Node]]:
    counts: dict[Path, int] = {}
    for node in root.named_children:
        if node.type == "pair":
            yield from _pair(node, ())
        elif node.type in ("table", "table_array_element"):
            path = _resolve(_header(node), counts)
            if node.type == "table_array_element":
                index = counts.get(path, 0)
                counts[path] = index + 1
                path = (*path, index)
            yield path, node
            for child in node.named_children:
                if child.type == "pair":
                    yield from _pair(child, path)


def _resolve(path: Path, counts: dict[Path, int]) -> Path:
    """A header below an array of tables means the array's newest table."""
    resolved: Path = ()
    for part in path[:-1]:
        resolved = (*resolved, part)
        if resolved in counts:
            resolved = (*resolved, counts[resolved] - 1)
    return (*resolved, *path[-1:])


def _header(node: Node) -> Path:
    return next((_key(child) for child in node.named_children if child.type in KEYS), ())


def _pair(node: Node, above: Path) -> Iterator[tuple[Path, Node]]:
    children = node.named_children
    if not children or children[0].type not in KEYS:
        return
    path = (*above, *_key(children[0]))
    yield path, node
    for child in children[1:]:
        yield from _value(child, path)


def _value(node: Node, path: Path) -> Iterator[tuple[Path, Node]]:
    if node.type == "inline_table":
        for child in node.named_children:
            if child.type == "pair":
                yield from _pair(child, path)
    elif node.type == "array":
        items = [child for child in node.named_children if child.type not in ("comment", "ERROR")]
        for index, item in enumerate(items):
            yield (*path, index), item
            yield from _value(item, (*path, index))


def _key(node: Node) -> Path:
    if node.type == "dotted_key":
        return tuple(part for child in node.named_children if child.type in KEYS for part in _key(child))
    text = (node.text or b"").decode(errors="replace")
    if node.type == "quoted_key":
        try:
            (text,) = tomllib.loads(f"{text} = 0")
        except ValueError:
            text = text.strip("\"'")
    return (text,)
