"""One HTTP request over one connection with a deadline over all of it; nothing is followed, everything is bounded."""

from __future__ import annotations

import http.client
import json
import socket
import time
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from servicekit.errors import Unanswered

REPLY_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes

    def json(self) -> Any:
        """Raises Unanswered when the body is no JSON: a peer that talks nonsense has not answered."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Unanswered(f"the answer is not JSON: {error}") from error


@dataclass(frozen=True)
class Request:
    method: str
    url: str  # http://host:port/path?query
    body: bytes = b""
    token: str = ""

    def headers(self) -> dict[str, str]:
        found = {"Accept": "application/json", "Connection": "close", "User-Agent": "servicekit"}
        if self.body:
            found["Content-Type"] = "application/json"
        if self.token:
            found["Authorization"] = f"Bearer {self.token}"
        return found


class _Timed(socket.socket):
    """A socket whose every wait ends at one moment, however slowly the other side drips."""

    ends_at = 0.0

    def recv_into(self, *args: Any, **more: Any) -> int:
        self.settimeout(max(0.001, self.ends_at - time.monotonic()))
        return super().recv_into(*args, **more)


class _Connection(http.client.HTTPConnection):
    def __init__(self, host: str, port: int | None, ends_at: float) -> None:
        super().__init__(host, port)
        self._ends_at = ends_at

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), max(0.001, self._ends_at - time.monotonic()))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = _Timed(plain.family, plain.type, plain.proto, plain.detach())
        self.sock.ends_at = self._ends_at
        self.sock.settimeout(max(0.001, self._ends_at - time.monotonic()))


def send(request: Request, seconds: float) -> Reply:
    """Blocking. Raises Unanswered."""
    ends_at = time.monotonic() + seconds
    try:
        parts = urlsplit(request.url)
        connection = _Connection(parts.hostname or "", parts.port, ends_at)
    except ValueError as error:
        raise Unanswered(f"not an address: {error}") from error
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(request.method, target or "/", request.body or None, request.headers())
        response = connection.getresponse()
        if 300 <= response.status < 400:
            raise Unanswered(f"answers {response.status}, and redirects are not followed")
        body = response.read(REPLY_BYTES + 1)
    except TimeoutError as error:
        raise Unanswered(f"no answer within {seconds:g} s") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unanswered(f"{getattr(error, 'strerror', None) or error or type(error).__name__}") from error
    finally:
        connection.close()
    if len(body) > REPLY_BYTES:
        raise Unanswered(f"the answer is larger than {REPLY_BYTES} bytes")
    if response.length and request.method != "HEAD":
        raise Unanswered(f"the answer is cut off, {response.length} bytes before its end")
    return Reply(response.status, body)
