"""The request's body as the application may read it: not too large, not too slow, and by nobody without the token."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from servicekit.service import Service
from servicekit.web import token
from servicekit.web.problem import Problem
from servicekit.web.route import asks_for, route_of

CHUNK_SECONDS: Final = 20.0  # between two pieces
WHOLE_SECONDS: Final = 60.0  # for a body that is read as a whole
DRAIN_BYTES: Final = 4 * 1024 * 1024
DRAIN_SECONDS: Final = 2.0
# A surrogate written as an escape that is not half of a pair: text that no UTF-8 can hold.
HIGH, LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
PAIR_OR_LONE: Final = re.compile(rb"\\[^u]|" + HIGH + LOW + rb"|(?P<lone>" + HIGH + rb"|" + LOW + rb")")


class Body:
    """`refused` is why the body was not handed on; then it is the answer, whatever the application makes of it."""

    def __init__(self, service: Service, scope: Scope, receive: Receive, limit: int) -> None:
        self._service = service
        self._scope = scope
        self._receive = receive
        self._limit = limit
        self._headers = Headers(scope=scope)
        self._begun = False
        self._taken = 0
        self._over = False
        self.refused: Problem | None = None

    async def refuse_early(self) -> None:
        """By its declared length, before anything is read. Raises Problem."""
        length = self._headers.get("content-length", "")
        if length.isdecimal() and (len(length) > 12 or int(length) > self._limit):
            await self._too_large()

    async def receive(self) -> Message:
        if self._over or self.refused is not None:
            return await self._receive()  # the application waits for the client to go
        try:
            if not self._begun:
                self._begun = True
                self._check_token()
            if self._is_json():
                return await self._whole()
            return await self._next(CHUNK_SECONDS)
        except Problem as problem:
            self.refused = problem
            raise

    def _check_token(self) -> None:
        """Before the body is read, not after: FastAPI would parse it first."""
        if asks_for(route_of(self._scope).dependant, token.require_token):
            token.check(self._service, self._headers.get("authorization", ""))

    def _is_json(self) -> bool:
        kind = self._headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        return kind == "application/json" or kind.endswith("+json")

    async def _next(self, seconds: float) -> Message:
        try:
            message = await asyncio.wait_for(self._receive(), seconds)
        except asyncio.TimeoutError as error:
            raise Problem(408, "the body comes too slowly", {"Connection": "close"}) from error
        if message["type"] != "http.request":
            self._over = True
            return message
        self._taken += len(message.get("body", b""))
        if self._taken > self._limit:
            await self._too_large()
        self._over = not message.get("more_body", False)
        return message

    async def _whole(self) -> Message:
        chunks: list[bytes] = []
        ends_at = time.monotonic() + WHOLE_SECONDS
        while not self._over:
            message = await self._next(min(CHUNK_SECONDS, max(0.0, ends_at - time.monotonic())))
            if message["type"] != "http.request":
                return message
            chunks.append(message.get("body", b""))
        body = b"".join(chunks)
        if b"\\u" in body and any(match["lone"] for match in PAIR_OR_LONE.finditer(body)):
            raise Problem(400, "the body holds half of a surrogate pair, which is no text")
        return {"type": "http.request", "body": body, "more_body": False}

    async def _too_large(self) -> None:
        """A client that still sends would lose the answer to a reset, so some of the rest is taken and thrown away."""
        try:
            if "expect" not in self._headers:  # a client that waits to be asked for its body has not sent it
                await asyncio.wait_for(self._drain(), DRAIN_SECONDS)
        except asyncio.TimeoutError:
            pass
        raise Problem(413, f"the body is larger than {self._limit // 1024} KiB", {"Connection": "close"})

    async def _drain(self) -> None:
        drained = 0
        while drained < DRAIN_BYTES:
            message = await self._receive()
            drained += len(message.get("body", b"")) or 1
            if not message.get("more_body", False):
                return
