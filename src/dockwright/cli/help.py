"""Help texts fitted to the terminal: prose is filled, and an example's meaning goes on below where it began.

Texts are written as people read them in the source: paragraphs, examples that are indented by two, with their meaning
two or more spaces to the right, and lines that are indented further, which belong to the line above.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

WIDEST = 100
# A meaning with less room than this begins on a line of its own.
ROOM = 20
CONTINUED = 8
CODES = "exit codes: "


class Formatter(argparse.RawDescriptionHelpFormatter):
    """argparse's, but for descriptions and usages that are wider than the terminal."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return textwrap.indent(fitted(text, min(width, WIDEST)), indent)

    def _format_usage(self, *words: object) -> str:
        usage: str = super()._format_usage(*words)  # type: ignore[arg-type]
        lines: list[str] = []
        for line in usage.splitlines():
            # A group of options that exclude each other is one word to argparse, however long.
            indent = " " * (len(line) - len(line.lstrip()) + 1)
            lines += _wrapped(line, self._width, "", indent) if len(line) > self._width else [line]
        return "\n".join(lines) + "\n\n"


def fitted(text: str, width: int) -> str:
    """A text with no line longer than `width`, as far as its words allow."""
    return "\n\n".join("\n".join(_block(block, width)) for block in text.strip("\n").split("\n\n"))


@dataclass
class _Entry:
    """A paragraph, or an example. `hang`: where its second line begins."""

    head: str
    text: str
    hang: int

    def lines(self, width: int) -> list[str]:
        if self.head.strip() and width - self.hang < ROOM:
            indent = " " * CONTINUED
            return [self.head.rstrip(), *_wrapped(self.text, width, indent, indent)]
        return _wrapped(self.text, width, self.head, " " * self.hang)


def _block(block: str, width: int) -> Iterator[str]:
    for entry in _entries(block.splitlines()):
        yield from entry.lines(width)


def _entries(lines: list[str]) -> list[_Entry]:
    found: list[_Entry] = []
    for line in lines:
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        if found and (indent >= CONTINUED or (indent == 0 and not found[-1].head.strip())):
            found[-1].text += f" {text}"
        elif indent == 0:
            found.append(_Entry("", text, len(CODES) if text.startswith(CODES) else 0))
        else:
            found.append(_example(line))
    return found


def _example(line: str) -> _Entry:
    match = re.match(r"(\s*\S+(?: \S+)*\s\s+)(\S.*)", line)
    if match:
        return _Entry(match[1], match[2], len(match[1]))
    indent = len(line) - len(line.lstrip())
    return _Entry(" " * indent, line.strip(), indent + 4)


def _wrapped(text: str, width: int, first: str, later: str) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )
