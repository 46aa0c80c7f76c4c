"""The filter as a raw ASGI application: reads a Wish, checks its target, asks the engine, hands the answer on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, Final

from self_healing_supervisor.filter import approved, rules
from self_healing_supervisor.filter.journal import Journal
from self_healing_supervisor.filter.rules import Refused, Wish
from self_healing_supervisor.filter.target import full_id, shown
from self_healing_supervisor.filter.upstream import Engine
from self_healing_supervisor.http1 import Answer, Unanswered
from self_healing_supervisor.words import FORCED_LABELS

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BODY_SECONDS: Final = 5.0
STREAMS: Final = 4
EVENTS: Final = ("create", "start", "die", "oom", "kill", "stop", "pause", "unpause", "destroy", "rename")
ACTS: Final = frozenset({"start", "stop", "restart", "kill", "create"})


def _filters(**given: object) -> str:
    return json.dumps({"label": list(FORCED_LABELS), **given}, separators=(",", ":"))


def _message(status: int, text: str) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps({"message": text}).encode())


async def _reply(send: Send, answer: Answer) -> None:
    """Status, body, content type and (for ping) the engine's version; no other header of the engine passes."""
    passed = {name: answer.headers[name] for name in ("content-type", "api-version") if name in answer.headers}
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in passed.items()]
    if answer.status != 204:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _body(receive: Receive, most: int) -> bytes:
    found = bytearray()
    async with asyncio.timeout(BODY_SECONDS):
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused("the request was cut off", 400)
            found += message.get("body", b"")
            if len(found) > most:
                raise Refused(f"a body of more than {most} bytes is refused", 413)
            if not message.get("more_body"):
                return bytes(found)


class Filter:
    """ASGI 3 application in front of `engine`; `run_dir` holds the operator's approved bodies."""

    def __init__(self, engine: Engine, run_dir: Path, journal: Journal) -> None:
        self._engine = engine
        self._run_dir = run_dir
        self._journal = journal
        self._streams = asyncio.Semaphore(STREAMS)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not served")
        method, path = str(scope["method"]), bytes(scope["raw_path"])
        try:
            wish = rules.read(method, path, bytes(scope["query_string"]), scope["headers"])
            body = await _body(receive, approved.BODY_BYTES if wish.kind == "create" else 0)
            if wish.kind == "events":
                await self._events(wish, receive, send)
                return
            answer = await self._answer(wish, body)
            if wish.kind in ACTS:
                self._journal.acted(wish, answer.status)
            await _reply(send, answer)
        except Refused as refusal:
            self._journal.refused(method, path, refusal)
            await _reply(send, _message(refusal.status, str(refusal)))
        except TimeoutError:
            await _reply(send, _message(408, "the body came too slowly"))
        except (Unanswered, ValueError) as error:
            self._journal.unanswered(error)
            await _reply(send, _message(502, f"the engine: {error}"))

    async def _answer(self, wish: Wish, body: bytes) -> Answer:
        if wish.kind == "create":
            approved_body = await asyncio.to_thread(approved.approve, self._run_dir, wish.query["name"], body)
            return await self._engine.ask("POST", "/containers/create", dict(wish.query), approved_body)
        if wish.kind == "list":
            return await self._engine.ask("GET", "/containers/json", {**wish.query, "filters": _filters()})
        if wish.ref:
            return await self._on_container(wish)
        return await self._engine.ask("GET", {"ping": "/_ping", "version": "/version"}[wish.kind])

    async def _on_container(self, wish: Wish) -> Answer:
        found = await self._engine.inspect(wish.ref)
        target = f"/containers/{full_id(found, wish.ref)}"
        query = dict(wish.query)
        if wish.kind == "inspect":
            return Answer(200, {"content-type": "application/json"}, json.dumps(shown(found)).encode())
        if wish.kind in ("logs", "stats"):
            forced = {"follow": "0"} if wish.kind == "logs" else {"stream": "0"}
            return await self._engine.ask("GET", f"{target}/{wish.kind}", {**query, **forced})
        patience = 15.0 + float(query.get("t", "10"))
        return await self._engine.ask("POST", f"{target}/{wish.kind}", query, seconds=patience)

    async def _events(self, wish: Wish, receive: Receive, send: Send) -> None:
        if self._streams.locked():
            raise Refused("too many event streams are open", 429)
        query = {**wish.query, "filters": _filters(type=["container"], event=list(EVENTS))}
        async with self._streams, await self._engine.stream("/events", query) as found:
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": found.status, "headers": headers})
            gone = asyncio.ensure_future(_gone(receive))
            relay = asyncio.ensure_future(_relay(found.chunks, send))
            try:
                await asyncio.wait({gone, relay}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                gone.cancel()
                relay.cancel()
                await asyncio.gather(gone, relay, return_exceptions=True)
            await send({"type": "http.response.body", "body": b""})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _relay(chunks: Any, send: Send) -> None:
    async for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
