"""What is kept of each trouble before it is treated: one JSON file each, bounded in number and in size."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from self_healing_supervisor.files import write

MOST: Final = 200
ID: Final = re.compile(r"\d{8}T\d{6}\.\d{3}Z-[a-z0-9-]{1,80}")
_HEAD: Final = (
    "id",
    "at",
    "service",
    "machine",
    "image",
    "kind",
    "remedy",
    "attempt",
    "why",
    "exit_code",
    "oom_killed",
    "outcome",
)


class Evidence:
    """Records in a folder, oldest thrown away first. `heads` is kept in memory, so that listing reads no files."""

    def __init__(self, folder: Path, most: int = MOST) -> None:
        self._folder = folder
        self._most = most
        self._heads: dict[str, dict[str, Any]] = {}

    def load(self) -> None:
        """Blocking. Files that cannot be read are passed over."""
        self._folder.mkdir(parents=True, exist_ok=True)
        names = sorted(path.stem for path in self._folder.glob("*.json") if ID.fullmatch(path.stem))
        for name in names[-self._most :]:
            try:
                self._heads[name] = _head(json.loads(self._file(name).read_bytes()))
            except (OSError, ValueError, AttributeError):
                continue
        self._trim(names)

    def new_id(self, slug: str, now: float) -> str:
        at = datetime.fromtimestamp(now, UTC)
        return f"{at:%Y%m%dT%H%M%S}.{at.microsecond // 1000:03d}Z-{slug}"

    def keep(self, record: dict[str, Any]) -> None:
        """Blocking. Writes the record under record["id"], anew when it is there. Its size is the writer's to bound.

        Raises OSError.
        """
        write(self._file(record["id"]), json.dumps(record).encode())
        self._heads[record["id"]] = _head(record)
        self._trim(sorted(self._heads))

    def heads(self, service: str | None, limit: int) -> list[dict[str, Any]]:
        """Newest first, without logs and answers."""
        found = [self._heads[name] for name in sorted(self._heads, reverse=True)]
        return [head for head in found if service is None or head.get("service") == service][:limit]

    def read(self, name: str) -> dict[str, Any] | None:
        """Blocking. The whole record; None when there is none of this name."""
        if name not in self._heads:
            return None
        try:
            found = json.loads(self._file(name).read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _trim(self, names: list[str]) -> None:
        for name in names[: -self._most]:
            self._file(name).unlink(missing_ok=True)
            self._heads.pop(name, None)


def _head(record: dict[str, Any]) -> dict[str, Any]:
    return {key: record.get(key) for key in _HEAD}
