"""The engine behind the filter: an API version both sides speak, and requests written anew from checked parts."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from self_healing_supervisor import login
from self_healing_supervisor.filter.rules import Refused
from self_healing_supervisor.http1 import Answer, Exchange, Opener, Request, Unanswered, ask, exchange, unix

OURS: Final = (1, 45)  # the version that these rules were written against
RENEW_SECONDS: Final = 60.0
HEAD_SECONDS: Final = 10.0
JSON_BYTES: Final = 4 * 1024 * 1024
PULL_HEAD: Final = 120.0
PULL_SECONDS: Final = 3600.0
LINE_BYTES: Final = 64 * 1024


def version(text: str) -> tuple[int, int]:
    """`1.45` as numbers. Raises ValueError."""
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def negotiate(newest: tuple[int, int], oldest: tuple[int, int]) -> tuple[int, int]:
    """The version to ask for: ours, unless the engine is older than that or no longer speaks it."""
    return max(oldest, min(OURS, newest))


class Engine:
    """Asks the engine on its UNIX socket. Raises Unanswered when it does not answer."""

    def __init__(self, socket: str, registry_login: Path) -> None:
        self._opener: Opener = unix(socket)
        self._login = registry_login
        self._spoken: tuple[int, int] | None = None
        self._renewed = 0.0
        self._lock = asyncio.Lock()

    async def _prefix(self) -> str:
        async with self._lock:
            if self._spoken is None or time.monotonic() - self._renewed > RENEW_SECONDS:
                answer = await ask(self._opener, Request("GET", "/version"), HEAD_SECONDS, 64 * 1024)
                facts = json.loads(answer.body)
                self._spoken = negotiate(version(facts["ApiVersion"]), version(facts["MinAPIVersion"]))
                self._renewed = time.monotonic()
            return f"/v{self._spoken[0]}.{self._spoken[1]}"

    async def request(self, method: str, path: str, query: dict[str, str] | None = None, body: bytes = b"") -> Request:
        try:
            prefix = await self._prefix()
        except (ValueError, KeyError, TypeError) as error:
            raise Unanswered("the engine's /version cannot be read") from error
        return Request(method, prefix + path + (f"?{urlencode(query)}" if query else ""), body=body)

    async def ask(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: bytes = b"",
        seconds: float = HEAD_SECONDS,
    ) -> Answer:
        """A whole answer of at most JSON_BYTES."""
        request = await self.request(method, path, query, body)
        try:
            answer = await ask(self._opener, request, seconds, JSON_BYTES)
        except Unanswered:
            self._spoken = None  # it may come back as another version
            raise
        if answer.cut:
            raise Unanswered("the engine's answer is too large")
        return answer

    async def inspect(self, ref: str) -> dict[str, Any]:
        """The container of exactly this id or name. Raises Refused (404) when there is none."""
        return await self._inspect(f"/containers/{ref}/json", ref)

    async def _inspect(self, path: str, ref: str) -> dict[str, Any]:
        answer = await self.ask("GET", path)
        if answer.status == 404:
            raise Refused(f"there is no {ref}", 404)
        if answer.status != 200:
            raise Unanswered(f"the engine answers {answer.status} to inspect")
        found = json.loads(answer.body)
        if not isinstance(found, dict):
            raise Unanswered("the engine's answer to inspect cannot be read")
        return found

    async def image(self, reference: str) -> dict[str, Any]:
        """The image of this name. Raises Refused (404) when there is none."""
        return await self._inspect(f"/images/{reference}/json", reference)

    async def stream(self, path: str, query: dict[str, str]) -> AbstractAsyncContextManager[Exchange]:
        return exchange(self._opener, await self.request("GET", path, query), HEAD_SECONDS)

    async def pull(self, repository: str, digest: str) -> None:
        """Raises Unanswered, saying what the engine says, when the image has not come whole."""
        request = await self.request("POST", "/images/create", {"fromImage": repository, "tag": f"sha256:{digest}"})
        known = await asyncio.to_thread(login.read, self._login)
        if known is not None:
            request = replace(request, more=(("X-Registry-Auth", known.docker(repository.partition("/")[0])),))
        last = b""
        try:
            async with (
                asyncio.timeout(PULL_SECONDS),
                exchange(self._opener, request, PULL_HEAD) as got,
            ):
                async for chunk in got.chunks:
                    last = (last + chunk)[-LINE_BYTES:]
        except TimeoutError as error:
            raise Unanswered(f"{repository} did not come within {PULL_SECONDS:g} s") from error
        line = last.strip().rpartition(b"\n")[2]
        told = json.loads(line) if line else {}
        said = told.get("error") or (told.get("message") if got.status != 200 else "")
        if said or got.status != 200:
            raise Unanswered(f"{repository} does not come: {said or got.status}"[:500])
