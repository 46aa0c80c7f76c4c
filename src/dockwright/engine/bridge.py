"""A network bridge on which nothing is: an engine that only builds must have one, and never another engine's."""

from __future__ import annotations

import errno
import fcntl
import socket
import struct

from dockwright.errors import EngineUnavailable

NAME = "dockwright-bld"  # the kernel takes 15 letters
ADD, REMOVE, SET_FLAGS = 0x89A0, 0x89A1, 0x8914  # SIOCBRADDBR, SIOCBRDELBR, SIOCSIFFLAGS


def add() -> None:
    """Make it, unless it is there. Raises EngineUnavailable where the kernel forbids it."""
    try:
        _ask(ADD, NAME.encode() + b"\0", errno.EEXIST)
    except OSError as error:
        raise EngineUnavailable(f"no bridge for a second engine: {error.strerror}") from error


def remove() -> None:
    """Remove it, if it is there."""
    _ask(SET_FLAGS, struct.pack("16sh14x", NAME.encode(), 0), errno.ENODEV)  # Only one that is down can go.
    _ask(REMOVE, NAME.encode() + b"\0", errno.ENXIO)


def _ask(request: int, argument: bytes, expected: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as kernel:
        try:
            fcntl.ioctl(kernel, request, argument)
        except OSError as error:
            if error.errno != expected:
                raise
