"""The filter as a raw ASGI application: reads a Wish, checks its target, asks the engine, hands the answer on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from self_healing_supervisor.filter import lock, rules
from self_healing_supervisor.filter.approved import Approved, held_against
from self_healing_supervisor.filter.journal import Journal
from self_healing_supervisor.filter.rules import Refused, Wish
from self_healing_supervisor.filter.target import full_id, shown
from self_healing_supervisor.filter.upstream import Engine
from self_healing_supervisor.http1 import Answer, Unanswered
from self_healing_supervisor.words import DEPLOY_LOCK, FORCED_LABELS, MACHINE_LABEL

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BODY_SECONDS: Final = 5.0
STREAMS: Final = 4
PULLS: Final = 2
EVENTS: Final = ("create", "start", "die", "oom", "kill", "stop", "pause", "unpause", "destroy", "rename")
ACTS: Final = frozenset({"start", "stop", "restart", "kill", "create", "remove", "pull", "keep", "claim", "leave"})


def _filters(**given: object) -> str:
    return json.dumps({"label": list(FORCED_LABELS), **given}, separators=(",", ":"))


def _json(content: object, status: int = 200) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(content).encode())


def _message(status: int, text: str) -> Answer:
    return _json({"message": text}, status)


async def _reply(send: Send, answer: Answer) -> None:
    """Status, body, content type and (for ping) the engine's version; no other header of the engine passes."""
    passed = {name: answer.headers[name] for name in ("content-type", "api-version") if name in answer.headers}
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in passed.items()]
    if answer.status != 204:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _no_body(receive: Receive) -> None:
    """A client has nothing to say that a body could hold. Raises Refused."""
    async with asyncio.timeout(BODY_SECONDS):
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused("the request was cut off", 400)
            if message.get("body"):
                raise Refused("a request with a body is refused", 413)
            if not message.get("more_body"):
                return


class Filter:
    """ASGI 3 application in front of `engine`; `run_dir` holds the operator's approved bodies."""

    def __init__(self, engine: Engine, run_dir: Path, journal: Journal) -> None:
        self._engine = engine
        self._approved = Approved(run_dir)
        self._journal = journal
        self._streams = asyncio.Semaphore(STREAMS)
        self._pulls = asyncio.Semaphore(PULLS)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not served")
        method, path = str(scope["method"]), bytes(scope["raw_path"])
        try:
            wish = rules.read(method, path, bytes(scope["query_string"]), scope["headers"])
            await _no_body(receive)
            if wish.kind == "events":
                await self._events(wish, receive, send)
                return
            answer = await self._answer(wish)
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

    async def _answer(self, wish: Wish) -> Answer:
        if "name" in wish.query:
            return await self._by_approval(wish)
        if wish.kind == "list":
            return await self._engine.ask("GET", "/containers/json", {**wish.query, "filters": _filters()})
        if wish.ref:
            return await self._on_container(wish)
        if wish.kind in ("claim", "leave"):
            return await self._lock(wish.kind)
        return await self._engine.ask("GET", {"ping": "/_ping", "version": "/version"}[wish.kind])

    async def _by_approval(self, wish: Wish) -> Answer:
        """What is about a container that need not exist: its image, and making it."""
        name, digest = wish.query["name"], wish.query.get("digest", "")
        body = await asyncio.to_thread(self._approved.body, name, digest)
        image = body["Image"]
        if wish.kind == "image" and "tag" in wish.query:
            image = f"{await asyncio.to_thread(self._approved.repository, name)}:{wish.query['tag']}"
        if wish.kind == "pull":
            async with self._pulls:
                await self._engine.pull(image.partition("@")[0], digest)
        if wish.kind != "create" or digest:
            found = await self._engine.image(image)
            held_against(found, body)
        if wish.kind == "create":
            sent = json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
            return await self._engine.ask("POST", "/containers/create", {"name": name}, sent)
        if wish.kind == "keep":
            repository = await asyncio.to_thread(self._approved.repository, name)
            query = {"repo": repository, "tag": f"{body['Labels'][MACHINE_LABEL]}-prev"}
            return await self._engine.ask("POST", f"/images/{image}/tag", query)
        return _json({"Id": found.get("Id"), "RepoDigests": found.get("RepoDigests") or []})

    async def _lock(self, kind: str) -> Answer:
        held = await self._engine.ask("GET", f"/networks/{DEPLOY_LOCK}")
        if held.status == 200 and not lock.ours(json.loads(held.body)):
            raise Refused("somebody deploys to this machine", 409)
        if (held.status == 200) is (kind == "claim"):
            return _json({"message": "so it is already"})
        if kind == "leave":
            return await self._engine.ask("DELETE", f"/networks/{DEPLOY_LOCK}")
        return await self._engine.ask("POST", "/networks/create", body=lock.taken(datetime.now(UTC)))

    async def _on_container(self, wish: Wish) -> Answer:
        found = await self._engine.inspect(wish.ref)
        target = f"/containers/{full_id(found, wish.ref)}"
        query = dict(wish.query)
        if wish.kind == "inspect":
            return _json(shown(found))
        if wish.kind == "remove":
            return await self._engine.ask("DELETE", target)
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
