"""Reads lock files without the help of the resolver that wrote them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from dockwright.errors import UnreadableInput
from dockwright.spec.finding import Finding

PIN = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(\[[^\]]*\])?==(?P<version>[^\s;\\]+)")
HEAD = re.compile(r"^# (?P<key>for|inputs|parent|content): (?P<value>.+)$")
FILE = re.compile(r"^\s+# file: (?P<file>\S+) (?P<size>\d+) (?P<sha256>sha256:[0-9a-f]{64})$")
VIA = re.compile(r"^\s+# via: (?P<source>\S+): (?P<requirement>.+)$")


@dataclass(frozen=True)
class Via:
    """Who asks for a package, and for what: `source` is another pin's name or the path of a requirements.in."""

    source: str
    requirement: str

    @property
    def is_input(self) -> bool:
        return "/" in self.source


@dataclass(frozen=True)
class Pin:
    """One exact version in a lock file, with the line on which it stands.

    `hashes` are those that are allowed on any platform; `file`, its `size` and its `sha256` are what an image takes.
    """

    name: str
    version: str
    hashes: tuple[str, ...]
    line: int = 0
    file: str = ""
    size: int = 0
    sha256: str = ""
    via: tuple[Via, ...] = ()

    @property
    def is_source(self) -> bool:
        """Whether a wheel has to be made of it first."""
        return bool(self.file) and not self.file.endswith(".whl")


@dataclass(frozen=True)
class Lock:
    """A lock file: what its head says, its pins, and the digest of what stands below the head."""

    head: Mapping[str, str]
    pins: Mapping[str, Pin]
    digest: str = ""


@dataclass
class _Reading:
    head: dict[str, str] = field(default_factory=dict)
    pins: dict[str, Pin] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return canonicalize_name(name)


def digest(body: str) -> str:
    """The digest that a lock's head holds of its body."""
    return f"sha256:{hashlib.sha256(body.encode()).hexdigest()}"


def split(text: str) -> tuple[str, str]:
    """Head and body of a lock file: the head is the comments before the first pin."""
    match = re.search(r"^[^#\s]", text, re.MULTILINE)
    return (text[: match.start()], text[match.start() :]) if match else (text, "")


def read_lock(path: Path) -> dict[str, Pin]:
    """Normalised name -> pin of a hash-locked requirements file.

    Raises UnreadableInput when a requirement is no exact pin or carries no hash.
    """
    return dict(read(path).pins)


def read(path: Path, shown: str = "") -> Lock:
    """A whole lock file; `shown` is its name in errors. Raises UnreadableInput, with the line where there is one."""
    shown = shown or str(path)
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise UnreadableInput(f"{shown}: there is no such lock", "run ./dockwright lock") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableInput(f"{shown}: cannot be read: {error}", "run ./dockwright lock") from None
    return parse(text, shown)


def parse(text: str, shown: str) -> Lock:
    """The lock that a text is."""
    read = _Reading()
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        start, line = number, lines[number]
        while line.endswith("\\") and number + 1 < len(lines):
            number += 1
            line = line[:-1] + lines[number]
        number += 1
        if not line.strip():
            continue
        if line.lstrip().startswith("#"):
            _note(read, line)
            continue
        pin = _pin(line, start + 1)
        if pin is None or pin.name in read.pins:
            says = "expected `name==version` with hashes" if pin is None else f"{pin.name} is pinned twice"
            raise UnreadableInput(f"{shown}:{start + 1}: {says}", "run ./dockwright lock")
        read.pins[pin.name] = pin
    return Lock(read.head, read.pins, digest(split(text)[1]))


def _pin(line: str, number: int) -> Pin | None:
    match = PIN.match(line)
    hashes = tuple(re.findall(r"--hash=(sha256:[0-9a-f]{64})\b", line))
    if not match or not hashes or not _is_version(match["version"]):
        return None
    return Pin(normal(match["name"]), match["version"], hashes, number)


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _note(read: _Reading, line: str) -> None:
    """A comment belongs to the head, or to the pin above it."""
    if not read.pins:
        if match := HEAD.match(line):
            read.head.setdefault(match["key"], match["value"])
        return
    name, pin = read.pins.popitem()
    if match := FILE.match(line):
        pin = replace(pin, file=match["file"], size=int(match["size"]), sha256=match["sha256"])
    elif match := VIA.match(line):
        pin = replace(pin, via=(*pin.via, Via(match["source"], match["requirement"])))
    read.pins[name] = pin


def layering(child: Path, parent: Path) -> list[Finding]:
    """Where a child's lock file does not contain its parent's pins unchanged."""
    return unlike(read_lock(child), read_lock(parent), str(child), str(parent))


def unlike(mine: Mapping[str, Pin], theirs: Mapping[str, Pin], file: str, parent: str) -> list[Finding]:
    """Where a child's pins do not contain its parent's unchanged: version, hashes and file."""
    findings = []
    for name, pin in theirs.items():
        own = mine.get(name)
        if own is None:
            says = f"{name} is missing"
        elif own.version != pin.version:
            says = f"{name} is {own.version} here"
        elif (set(own.hashes), own.file, own.sha256) != (set(pin.hashes), pin.file, pin.sha256):
            says = f"{name} {own.version} has other hashes or another file here"
        else:
            continue
        expected = f"{says}; the parent's lock {parent} pins {pin.version}"
        findings.append(Finding("lock-layering", "error", name, file, own.line if own else 1, expected))
    return findings
