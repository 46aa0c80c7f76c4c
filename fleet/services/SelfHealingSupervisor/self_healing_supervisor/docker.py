"""The engine as the filter shows it. Every method raises Unanswered, or Denied when the answer is not a success."""

from __future__ import annotations

import json
import struct
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any, Final

from self_healing_supervisor.http1 import Answer, Request, Unanswered, ask, exchange, unix
from self_healing_supervisor.words import DEPLOY_LOCK

SECONDS: Final = 10.0
ACT_SECONDS: Final = 30.0
PULL_SECONDS: Final = 3700.0
JSON_BYTES: Final = 4 * 1024 * 1024
LOG_BYTES: Final = 1024 * 1024
LOG_KEPT: Final = 32 * 1024
EVENT_BYTES: Final = 64 * 1024
TAIL: Final = 100


class Denied(Exception):
    """The filter or the engine said no; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def _message(answer: Answer) -> str:
    try:
        return str(json.loads(answer.body)["message"])[:500]
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status}"


def lines(raw: bytes, most: int) -> list[str]:
    """Log lines out of the engine's frames (8 bytes of head: stream, three zeros, length), the last `most` bytes."""
    frames: deque[bytes] = deque()
    held, at = 0, 0
    while at + 8 <= len(raw):
        (size,) = struct.unpack_from(">I", raw, at + 4)
        frames.append(raw[at + 8 : at + 8 + size])
        held += len(frames[-1])
        at += 8 + size
        while held > most and len(frames) > 1:
            held -= len(frames.popleft())
    text = b"".join(frames)[-most:].decode("utf-8", "replace")
    return text.splitlines()


def _about(name: str, digest: str) -> str:
    return f"name={name}" + (f"&digest={digest}" if digest else "")


class Docker:
    """A client of the filter's socket; one connection per request."""

    def __init__(self, socket: str) -> None:
        self._opener = unix(socket)

    async def _ask(self, method: str, target: str, seconds: float = SECONDS) -> Answer:
        answer = await ask(self._opener, Request(method, target), seconds, JSON_BYTES)
        if answer.status >= 400:
            raise Denied(answer.status, _message(answer))
        return answer

    async def _json(self, target: str) -> Any:
        answer = await self._ask("GET", target)
        try:
            return json.loads(answer.body)
        except ValueError as error:
            raise Unanswered("the engine's answer is not JSON") from error

    async def containers(self) -> list[dict[str, Any]]:
        found = await self._json("/containers/json?all=1")
        return [one for one in found if isinstance(one, dict)]

    async def inspect(self, ref: str) -> dict[str, Any] | None:
        """None when there is no such container."""
        try:
            found = await self._json(f"/containers/{ref}/json")
        except Denied as denial:
            if denial.status == 404:
                return None
            raise
        return found if isinstance(found, dict) else None

    async def logs(self, ref: str) -> list[str]:
        target = f"/containers/{ref}/logs?stdout=1&stderr=1&timestamps=1&tail={TAIL}"
        answer = await ask(self._opener, Request("GET", target), SECONDS, LOG_BYTES)
        if answer.status != 200:
            raise Denied(answer.status, _message(answer))
        return lines(answer.body, LOG_KEPT)

    async def stats(self, ref: str) -> dict[str, Any]:
        found = await self._json(f"/containers/{ref}/stats?stream=0&one-shot=1")
        return found if isinstance(found, dict) else {}

    async def start(self, ref: str) -> None:
        await self._ask("POST", f"/containers/{ref}/start", ACT_SECONDS)

    async def kill(self, ref: str, signal: str) -> None:
        """A container that has ended already is no error."""
        try:
            await self._ask("POST", f"/containers/{ref}/kill?signal={signal}")
        except Denied as denial:
            if denial.status != 409:
                raise

    async def create(self, name: str, digest: str = "") -> None:
        """Makes the container as the operator approved it; with a digest, from that image of its repository."""
        await self._ask("POST", f"/containers/create?{_about(name, digest)}", ACT_SECONDS)

    async def remove(self, ref: str) -> None:
        """Removes a container that has ended; what it kept in volumes stays. One that is gone is no error."""
        try:
            await self._ask("DELETE", f"/containers/{ref}")
        except Denied as denial:
            if denial.status != 404:
                raise

    async def pull(self, name: str, digest: str) -> None:
        """Brings an image of this container's repository here."""
        await self._ask("POST", f"/images/create?{_about(name, digest)}", PULL_SECONDS)

    async def claim(self) -> bool:
        """Takes the machine's deploy lock; False where somebody else has it. An earlier life's counts as ours."""
        try:
            await self._ask("POST", f"/networks/{DEPLOY_LOCK}")
        except Denied as denial:
            if denial.status == 409:
                return False
            raise
        return True

    async def leave(self) -> None:
        """Gives the lock back; somebody else's stays."""
        try:
            await self._ask("DELETE", f"/networks/{DEPLOY_LOCK}")
        except Denied as denial:
            if denial.status != 409:
                raise

    async def keep(self, name: str, digest: str = "") -> None:
        """Tags an image of this container's as the one to go back to."""
        await self._ask("POST", f"/images/tag?{_about(name, digest)}")

    async def has_image(self, name: str, digest: str) -> bool:
        """Whether an image of this container's repository is here."""
        return await self._image(_about(name, digest)) is not None

    async def tagged(self, name: str, tag: str) -> str:
        """The digest of what a tag means here, hexadecimal; empty where it means nothing that has one."""
        found = await self._image(f"name={name}&tag={tag}") or {}
        repository = f"/{name.removeprefix('dockwright-')}@sha256:"
        return next((str(one)[-64:] for one in found.get("RepoDigests") or () if repository in str(one)), "")

    async def _image(self, about: str) -> dict[str, Any] | None:
        try:
            found = await self._json(f"/images/json?{about}")
        except Denied as denial:
            if denial.status == 404:
                return None
            raise
        return found if isinstance(found, dict) else None

    async def events(self, since: float) -> AsyncGenerator[dict[str, Any], None]:
        """Container events from `since` (seconds since the epoch) on; ends when the connection does."""
        async with exchange(self._opener, Request("GET", f"/events?since={since:.9f}"), SECONDS) as found:
            if found.status != 200:
                raise Denied(found.status, f"HTTP {found.status} to /events")
            pending = b""
            yield {}  # connected
            async for chunk in found.chunks:
                *whole, pending = (pending + chunk).split(b"\n")
                if len(pending) > EVENT_BYTES:
                    raise Unanswered("an event without an end")
                for line in whole:
                    if line.strip():
                        yield json.loads(line)
