"""Reads lock files without the help of the resolver that wrote them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dockwright.errors import UnreadableInput
from dockwright.spec.finding import Finding

PIN = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(\[[^\]]*\])?==(?P<version>[^\s;\\]+)")


@dataclass(frozen=True)
class Pin:
    """One exact version in a lock file, with the line on which it stands."""

    name: str
    version: str
    hashes: tuple[str, ...]
    line: int


def normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(path: Path) -> dict[str, Pin]:
    """Normalised name -> pin of a hash-locked requirements file.

    Raises UnreadableInput when a requirement is no exact pin or carries no hash.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableInput(f"{path}: {error}", "run ./dockwright lock") from error
    pins: dict[str, Pin] = {}
    number = 0
    while number < len(lines):
        start, text = number, lines[number]
        while text.endswith("\\") and number + 1 < len(lines):
            number += 1
            text = text[:-1] + lines[number]
        number += 1
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        match = PIN.match(text)
        hashes = tuple(re.findall(r"--hash=(sha256:[0-9a-f]{64})\b", text))
        if not match or not hashes:
            raise UnreadableInput(f"{path}:{start + 1}: expected `name==version` with hashes", "run ./dockwright lock")
        pins[normal(match["name"])] = Pin(normal(match["name"]), match["version"], hashes, start + 1)
    return pins


def layering(child: Path, parent: Path) -> list[Finding]:
    """Where a child's lock does not contain its parent's pins unchanged."""
    mine, theirs = read_lock(child), read_lock(parent)
    findings = []
    for name, pin in theirs.items():
        own = mine.get(name)
        if own and own.version == pin.version:
            continue
        says = f"{name} is {own.version} here" if own else f"{name} is missing"
        expected = f"{says}; the parent's lock {parent} pins {pin.version}"
        line = own.line if own else 1
        findings.append(Finding("lock-layering", "error", name, str(child), line, expected))
    return findings
