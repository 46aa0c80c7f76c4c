"""Release records as a registry has them. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

NAME: Final = re.compile(r"\d{8}-[0-9a-f]{12}(-[1-9]\d*)?")
DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")
VERSION: Final = 1
FILE: Final = "release.json"
TITLE: Final = "org.opencontainers.image.title"


@dataclass(frozen=True)
class Release:
    """`created` is seconds since the epoch; `images`: machine/service -> digest, hexadecimal."""

    name: str
    created: float
    images: Mapping[str, str]

    def of(self, machine: str) -> dict[str, str]:
        """Service -> digest, of one machine's instances."""
        return {
            name.partition("/")[2]: digest for name, digest in self.images.items() if name.partition("/")[0] == machine
        }


def read(raw: bytes, name: str) -> Release:
    """The release in a record. Raises ValueError for what is none, or another one, or was changed."""
    found = json.loads(raw)
    if not isinstance(found, dict) or found.get("version") != VERSION:
        raise ValueError(f"{name} is no release record of version {VERSION}")
    if found.get("name") != name:
        raise ValueError(f"{name} holds another release")
    contents: Any = found.get("contents")
    plain = json.dumps(contents, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    if found.get("digest") != f"sha256:{hashlib.sha256(plain).hexdigest()}":
        raise ValueError(f"{name}: its contents are not what its digest says")
    try:
        images = {str(key): _digest(one["digest"]) for key, one in contents["instances"].items()}
        return Release(name, datetime.fromisoformat(str(found["created"])).timestamp(), images)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{name} is not whole: {error}") from error


def _digest(text: object) -> str:
    found = DIGEST.fullmatch(str(text))
    if not found:
        raise ValueError("an image without a digest")
    return found[1]


def file_of(raw: bytes, name: str) -> str:
    """The digest of the record's file, from its manifest. Raises ValueError."""
    found = json.loads(raw)
    layers = found.get("layers") if isinstance(found, dict) else None
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, dict) and (layer.get("annotations") or {}).get(TITLE) == FILE:
            return f"sha256:{_digest(layer.get('digest'))}"
    raise ValueError(f"{name} is no release")


def day(name: str) -> str:
    return name[:8]


def recent(names: Iterable[str], moment: float) -> list[str]:
    """Of the releases' names those that may have been made after a moment; a day more, for clocks and time zones."""
    least = datetime.fromtimestamp(max(0.0, moment - 86_400)).strftime("%Y%m%d")
    return [name for name in names if day(name) >= least]


def newest(releases: Iterable[Release], after: float) -> Release | None:
    """The newest release that was made after a moment."""
    found = [one for one in releases if one.created > after]
    return max(found, key=lambda one: (one.created, one.name), default=None)
