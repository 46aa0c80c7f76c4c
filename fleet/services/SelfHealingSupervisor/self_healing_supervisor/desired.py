"""What should run here: /run/dockwright/desired.json, read anew when it changes.

The file belongs to the operator's tool. It is read leniently where a newer tool may say more, and strictly where a
missing word would make the supervisor act on the wrong thing. A file that cannot be read leaves the last good one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from self_healing_supervisor.words import CONTAINER_NAME, SERVICE_NAME

FILE_BYTES: Final = 4 * 1024 * 1024
MOST: Final = 500
RELEASE: Final = re.compile(r"(latest|\d{8}-[0-9a-f]{12}(-[1-9]\d*)?)?")


@dataclass(frozen=True)
class Wanted:
    """One instance that should run here. `boot_seconds` is the declared deadline of its start, if the file tells."""

    service: str
    machine: str
    container: str
    health_port: int
    address: str = ""
    depends: tuple[str, ...] = ()
    boot_seconds: float | None = None
    image_digest: str = ""
    phase: str = ""
    pinned: bool = False  # no release moves it


@dataclass(frozen=True)
class Follow:
    """From which registry other images may come here, and which release is wanted: "latest", one by name, or none."""

    registry: str
    release: str = ""
    every_seconds: float = 60.0
    ca: str = ""  # certificates to trust there besides the system's, as PEM


@dataclass(frozen=True)
class Desired:
    machine: str
    written_at: float  # seconds since the epoch; 0 when the file does not tell
    instances: tuple[Wanted, ...]
    follow: Follow | None = None


def _text(row: dict[str, object], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{key} is missing or not a text")
    return value


def _wanted(row: object) -> Wanted:
    if not isinstance(row, dict):
        raise ValueError("an instance is not an object")
    service, container = _text(row, "service"), _text(row, "container")
    if not SERVICE_NAME.fullmatch(service) or not CONTAINER_NAME.fullmatch(container):
        raise ValueError(f"not a service and its container: {service[:80]!r}, {container[:80]!r}")
    port, depends, boot = row.get("health_port"), row.get("depends", []), row.get("start_seconds")
    if not isinstance(port, int) or not 0 < port < 65536:
        raise ValueError(f"{service}: health_port is not a port")
    if not isinstance(depends, list):
        raise ValueError(f"{service}: depends is not a list")
    return Wanted(
        service,
        _text(row, "machine"),
        container,
        port,
        str(row.get("address") or ""),
        tuple(str(name).rpartition("/")[2] for name in depends),
        float(boot) if isinstance(boot, int | float) and 0 < boot <= 3600 else None,
        str(row.get("image_digest") or ""),
        str(row.get("phase") or ""),
        row.get("pinned") is True,
    )


def _follow(found: object) -> Follow | None:
    """None where nothing is to be followed. Raises ValueError for what is meant to be something and is not."""
    if found is None:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("registry"), str):
        raise ValueError("follow names no registry")
    every, release = found.get("every_seconds", Follow.every_seconds), found.get("release", "")
    if not isinstance(every, int | float) or not 1 <= every <= 86_400:
        raise ValueError("follow: every_seconds is not a number from 1 to 86400")
    if not isinstance(release, str) or not RELEASE.fullmatch(release):
        raise ValueError("follow: release is neither latest nor the name of one")
    ca = found.get("ca", "")
    if not isinstance(ca, str):
        raise ValueError("follow: ca is not a text")
    return Follow(found["registry"], release, float(every), ca)


def parse(raw: bytes) -> Desired:
    """Raises ValueError, saying what is wrong."""
    found = json.loads(raw)
    if not isinstance(found, dict) or not isinstance(found.get("instances"), list):
        raise ValueError("instances is missing")
    rows = found["instances"]
    if len(rows) > MOST:
        raise ValueError(f"more than {MOST} instances")
    instances = tuple(_wanted(row) for row in rows)
    if len({one.service for one in instances}) != len(instances):
        raise ValueError("a service is named twice")
    follow = _follow(found.get("follow"))
    return Desired(_text(found, "machine"), _moment(found.get("written_at")), instances, follow)


def _moment(value: object) -> float:
    if isinstance(value, int | float):
        return float(value)
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        return 0.0


class DesiredFile:
    """Looks whether the file has changed; `problem` says why the last look gave nothing new, or is empty."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = "not read yet"
        self._mark: tuple[int, int, int] | None = None

    def read_if_changed(self) -> Desired | None:
        """The new content, or None when there is none (or none that can be read)."""
        try:
            facts = self.path.stat()
            mark = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
            if mark == self._mark:
                return None
            if facts.st_size > FILE_BYTES:
                raise ValueError("the file is too large")
            desired = parse(self.path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            self.problem = f"{self.path.name}: {error}"[:300]
            return None
        self._mark, self.problem = mark, ""
        return desired
