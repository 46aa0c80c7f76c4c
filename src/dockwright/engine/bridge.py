"""Network bridges of engines that only build: each must have one, and never another engine's."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import socket
import struct
from pathlib import Path

from dockwright.errors import EngineUnavailable

PREFIX = "dwbuild-"  # the kernel takes names of 15 letters
ADD, REMOVE, SET_FLAGS = 0x89A0, 0x89A1, 0x8914  # SIOCBRADDBR, SIOCBRDELBR, SIOCSIFFLAGS


def name_of(home: Path) -> str:
    """The bridge of the engine that lives at `home`: when one goes, no other engine loses its own."""
    return f"{PREFIX}{hashlib.sha256(os.fsencode(home)).hexdigest()[:7]}"


def add(name: str) -> None:
    """Make it, unless it is there. Raises EngineUnavailable where the kernel forbids it."""
    try:
        _ask(ADD, name.encode() + b"\0", errno.EEXIST)
    except OSError as error:
        raise EngineUnavailable(f"no bridge for a second engine: {error.strerror}") from error


def remove(name: str) -> None:
    """Remove it, if it is there."""
    _ask(SET_FLAGS, struct.pack("16sh14x", name.encode(), 0), errno.ENODEV)  # Only one that is down can go.
    _ask(REMOVE, name.encode() + b"\0", errno.ENXIO)


def _ask(request: int, argument: bytes, expected: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as kernel:
        try:
            fcntl.ioctl(kernel, request, argument)
        except OSError as error:
            if error.errno != expected:
                raise
