"""What the operator approved: one body for each container that may be created, and a registry to take images from.

A client names a container and, at most, a digest. Everything else comes from the operator's files, and is held against
the fleet's shape before the engine sees it.
"""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Any, Final, NoReturn

from self_healing_supervisor.filter.rules import Refused
from self_healing_supervisor.filter.shape import rebuilt
from self_healing_supervisor.filter.target import labels_of
from self_healing_supervisor.words import MACHINE_LABEL, SERVICE_LABEL

BODY_BYTES: Final = 256 * 1024
DESIRED_BYTES: Final = 4 * 1024 * 1024
TITLE_LABEL: Final = "org.opencontainers.image.title"
REGISTRY: Final = re.compile(r"[a-z0-9.-]+(?::\d{1,5})?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _read(path: Path, most: int) -> dict[str, Any]:
    """A JSON object without repeated keys. A link or anything but a plain, small file is an OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > most:
            raise OSError("not a plain file of a sane size")
        found = json.loads(file.read(most + 1).decode(), object_pairs_hook=_once, parse_constant=_constant)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


class Approved:
    """The operator's folder, read anew at each question: what is no longer there is no longer approved."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def body(self, name: str, digest: str = "") -> dict[str, Any]:
        """The create request of a container; with a digest, of that image of its own repository. Raises Refused."""
        try:
            template = _read(self._folder / "instances" / f"{name}.json", BODY_BYTES)
        except (OSError, ValueError, RecursionError) as error:
            raise Refused(f"there is no approved body for {name}") from error
        return rebuilt(template, name, f"{self.repository(name)}@sha256:{digest}" if digest else "")

    def repository(self, name: str) -> str:
        """Where images of a container come from. Raises Refused where the operator lets none come."""
        try:
            found = _read(self._folder / "desired.json", DESIRED_BYTES).get("follow")
            registry = found["registry"] if isinstance(found, dict) else None
        except (OSError, ValueError, RecursionError, KeyError) as error:
            raise Refused("what is desired here cannot be read") from error
        if not isinstance(registry, str) or not REGISTRY.fullmatch(registry):
            raise Refused("no other images than the approved ones are taken here")
        return f"{registry}/{name.removeprefix('dockwright-')}"


def held_against(image: dict[str, Any], body: dict[str, Any]) -> None:
    """Raises Refused unless an image says that it was built for the instance that `body` makes."""
    labels = body["Labels"]
    title = f"{labels.get(MACHINE_LABEL)}/{labels.get(SERVICE_LABEL)}"
    if labels_of(image.get("Config")).get(TITLE_LABEL) != title:
        raise Refused(f"the image is not one of {title}")
