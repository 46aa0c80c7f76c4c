"""What should run here: desired.json, read anew when it changes.

The file belongs to the operator's tool. It is read leniently where a newer tool may say more, and strictly where a
missing word would make us ask or blame the wrong one. A file that cannot be read leaves the last good one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from unified_observability_center.clean import line
from unified_observability_center.words import MACHINE, SERVICE, Key, seconds

FILE_BYTES: Final = 4 * 1024 * 1024
MOST: Final = 500
ADDRESS: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
FACTS: Final = (
    "git_sha",
    "tag",
    "input_digest",
    "sbom_digest",
    "image",
    "image_digest",
    "family",
    "phase",
    "container",
)


@dataclass(frozen=True)
class Wanted:
    """One instance that should run. `facts` holds what it should be; a fact that is not told is not there."""

    service: str
    machine: str
    address: str
    port: int | None
    health_port: int
    start_seconds: float = 60.0
    memory_mb: int | None = None
    cpus: float | None = None
    gpu_memory_mb: int | None = None
    depends: tuple[str, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return self.machine, self.service

    @property
    def image(self) -> tuple[str, ...]:
        """What makes another container of it when it changes."""
        return tuple(self.facts.get(name, "") for name in ("image_digest", "input_digest", "image"))


@dataclass(frozen=True)
class Declared:
    """A machine's hardware as it was declared."""

    gpu: str = ""
    gpu_memory_mb: int | None = None
    cpus: int | None = None
    memory_mb: int | None = None


@dataclass(frozen=True)
class LeftOut:
    service: str
    machine: str
    why: str


@dataclass(frozen=True)
class Desired:
    machine: str
    written_at: float | None = None
    git_sha: str = ""
    tag: str = ""
    machines: dict[str, Declared] = field(default_factory=dict)
    instances: tuple[Wanted, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def parse(raw: bytes) -> Desired:
    """Raises ValueError, saying what is wrong."""
    found = json.loads(raw)
    if not isinstance(found, dict) or not isinstance(found.get("instances"), list):
        raise ValueError("instances is missing")
    if len(found["instances"]) > MOST:
        raise ValueError(f"more than {MOST} instances")
    instances = tuple(_wanted(row) for row in found["instances"])
    if len({one.key for one in instances}) != len(instances):
        raise ValueError("an instance is named twice")
    return Desired(
        _named(found, "machine", MACHINE),
        seconds(found.get("written_at")),
        _text(found, "git_sha"),
        _text(found, "tag"),
        _machines(found.get("machines")),
        instances,
        _left_out(found.get("left_out")),
    )


def _wanted(row: object) -> Wanted:
    if not isinstance(row, dict):
        raise ValueError("an instance is not an object")
    service = _named(row, "service", SERVICE)
    address = row.get("address") or row.get("container")
    if not isinstance(address, str) or not ADDRESS.fullmatch(address):
        raise ValueError(f"{service}: address is not a host name or an IPv4 address")
    health_port = _port(row.get("health_port"))
    if health_port is None:
        raise ValueError(f"{service}: health_port is not a port")
    start, depends = _number(row.get("start_seconds"), 3600), row.get("depends")
    return Wanted(
        service,
        _named(row, "machine", MACHINE),
        address,
        _port(row.get("port")),
        health_port,
        60.0 if start is None else start,
        _whole(row.get("memory_mb")),
        _number(row.get("cpus"), 4096),
        _whole(row.get("gpu_memory_mb")),
        tuple(line(name, 60) for name in depends if isinstance(name, str)) if isinstance(depends, list) else (),
        {name: text for name in FACTS if (text := _text(row, name))},
    )


def _machines(found: object) -> dict[str, Declared]:
    rows = found if isinstance(found, dict) else {}
    return {
        name: Declared(
            _text(row, "gpu"), _whole(row.get("gpu_memory_mb")), _whole(row.get("cpus")), _whole(row.get("memory_mb"))
        )
        for name, row in list(rows.items())[:MOST]
        if MACHINE.fullmatch(name) and isinstance(row, dict)
    }


def _left_out(found: object) -> tuple[LeftOut, ...]:
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    return tuple(LeftOut(_text(row, "service"), _text(row, "machine"), _text(row, "why")) for row in rows[:MOST])


def _named(row: dict[str, Any], key: str, pattern: re.Pattern[str]) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{key} is missing or no name: {line(repr(value), 80)}")
    return value


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return line(value, 300) if isinstance(value, str) else ""


def _port(value: object) -> int | None:
    return value if type(value) is int and 0 < value < 65536 else None


def _whole(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 2**40 else None


def _number(value: object, most: float) -> float | None:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= most
    return float(value) if fits else None  # type: ignore[arg-type]  # it is a number, see `fits`


class DesiredFile:
    """Looks whether the file has changed; `problem` says why the last look gave nothing, or is empty."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = "not read yet"
        self._mark: tuple[int, int, int] | None = None

    def read_if_changed(self) -> Desired | None:
        """Blocking. The new content, or None when there is none, or none that can be read."""
        try:
            facts = self.path.stat()
            mark = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
            if mark == self._mark:
                self.problem = ""
                return None
            if facts.st_size > FILE_BYTES:
                raise ValueError("the file is too large")
            desired = parse(self.path.read_bytes())
        except OSError as error:
            self.problem = f"{self.path.name}: {error.strerror or error}"
            return None
        except (ValueError, RecursionError) as error:
            self.problem = line(f"{self.path.name}: {error}", 300)
            return None
        self._mark, self.problem = mark, ""
        return desired
