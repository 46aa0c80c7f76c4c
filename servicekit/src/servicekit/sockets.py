"""Listening sockets."""

from __future__ import annotations

import socket
from typing import Final

from servicekit.errors import Misconfigured

UNREAD_MS: Final = 20_000


def bound(host: str, port: int) -> socket.socket:
    """Bound, not listening yet. A client that takes nothing for a while is cut by the kernel. Raises Misconfigured."""
    # The protocol is named because asyncio sets TCP_NODELAY only then: else answers on kept connections wait 40 ms.
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise Misconfigured(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    sock.setblocking(False)
    return sock
