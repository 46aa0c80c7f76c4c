"""SBOMs as files named by their digest; what lies under a name always has that digest."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

MOST: Final = 400
MOST_BYTES: Final = 128 * 1024 * 1024
DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")


class Refused(Exception):
    """str() says why the body is not kept."""


class Sboms:
    """All methods are blocking. `used` are the digests that reports name: they go last when there is too much."""

    def __init__(self, folder: Path, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most = most
        self._most_bytes = most_bytes
        self._sizes: dict[str, int] = {}  # oldest first

    def load(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for part in self._folder.glob(".*.part"):
            part.unlink()
        found = sorted(
            (path.stat().st_mtime_ns, path.stem, path.stat().st_size) for path in self._folder.glob("*.json")
        )
        self._sizes = {f"sha256:{name}": size for _, name, size in found if DIGEST.fullmatch(f"sha256:{name}")}

    def __contains__(self, digest: object) -> bool:
        return digest in self._sizes

    def __len__(self) -> int:
        return len(self._sizes)

    @property
    def size(self) -> int:
        return sum(self._sizes.values())

    def keep(self, digest: str, body: bytes, used: Collection[str]) -> None:
        """Raises Refused when the body is not the CycloneDX document of that digest, and OSError."""
        if f"sha256:{hashlib.sha256(body).hexdigest()}" != digest:
            raise Refused("the body does not have this digest")
        if digest in self._sizes:
            return
        try:
            found = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Refused("the body is not JSON") from error
        if not isinstance(found, dict) or found.get("bomFormat") != "CycloneDX":
            raise Refused("the body is not a CycloneDX document")
        self._make_room(len(body), used)
        self._write(self._file(digest), body)
        self._sizes[digest] = len(body)

    def read(self, digest: str) -> bytes | None:
        """None when it is not here, or is no longer what it was."""
        if digest not in self._sizes:
            return None
        try:
            body = self._file(digest).read_bytes()
        except OSError:
            body = b""
        if f"sha256:{hashlib.sha256(body).hexdigest()}" != digest:
            self._drop(digest)
            return None
        return body

    def _make_room(self, size: int, used: Collection[str]) -> None:
        going = sorted(self._sizes, key=lambda digest: digest in used)  # stable: oldest first among each
        while going and (len(self._sizes) >= self._most or self.size + size > self._most_bytes):
            self._drop(going.pop(0))
        if size > self._most_bytes:
            raise Refused("the body is larger than all that is kept")

    def _drop(self, digest: str) -> None:
        self._file(digest).unlink(missing_ok=True)
        self._sizes.pop(digest, None)

    def _file(self, digest: str) -> Path:
        return self._folder / f"{digest.removeprefix('sha256:')}.json"

    @staticmethod
    def _write(path: Path, body: bytes) -> None:
        part = path.with_name(f".{path.name}.part")
        with part.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
