"""The operator's approved bodies: the only containers that may be created, byte for byte in canonical form."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, Final, NoReturn

from self_healing_supervisor.filter.rules import Refused
from self_healing_supervisor.filter.target import is_instance, labels_of

BODY_BYTES: Final = 256 * 1024


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def canonical(raw: bytes) -> bytes:
    """One spelling per JSON value. Raises ValueError on anything but one object without repeated keys."""
    value = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_constant)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _read(path: Path) -> bytes:
    """The file's bytes; a link or anything but a plain, small file is an OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > BODY_BYTES:
            raise OSError("not a plain file of a sane size")
        return file.read(BODY_BYTES + 1)


def approve(folder: Path, name: str, asked: bytes) -> bytes:
    """The approved body for the container `name`, when `asked` is equal to it. Raises Refused.

    What is returned comes from the operator's file, never from the client.
    """
    try:
        body = canonical(_read(folder / "instances" / f"{name}.json"))
    except (OSError, ValueError, RecursionError) as error:
        raise Refused(f"there is no approved body for {name}") from error
    try:
        wanted = canonical(asked)
    except (ValueError, RecursionError) as error:
        raise Refused("the body is not one plain JSON object") from error
    if wanted != body:
        raise Refused(f"the body is not the approved one of {name}")
    if not is_instance(labels_of(json.loads(body))):
        raise Refused(f"the approved body of {name} lacks the fleet's labels")
    return body
