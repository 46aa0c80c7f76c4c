"""Asking over real sockets, and the loop that does it; other people's lateness is not ours, nor the reverse."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from instance_double import Instance, desired
from unified_observability_center import asking, probe
from unified_observability_center.asking import now
from unified_observability_center.core.health import Heard, Policy, State, first
from unified_observability_center.core.journal import Transition
from unified_observability_center.desired import parse
from unified_observability_center.following import Following
from unified_observability_center.http1 import Unanswered, get
from unified_observability_center.names import Names, Unresolved
from unified_observability_center.sight import Sight
from unified_observability_center.words import Key

KEY = ("mainpc", "Alpha")


@pytest.fixture
def instance() -> Iterator[Instance]:
    one = Instance("Alpha")
    yield one
    one.end()


@asynccontextmanager
async def serving(raw: bytes, seconds: float = 0.0) -> AsyncIterator[int]:
    """Answers `raw` to whoever asks, and keeps the connection open for a while. The port."""
    clients: set[asyncio.Task[None]] = set()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(raw)
            await asyncio.sleep(seconds)
            writer.close()
            await writer.wait_closed()
        except OSError:
            pass  # whoever asked has gone
        finally:
            writer.transport.abort()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.add(asyncio.create_task(client(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for one in clients:
            one.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "closed before an answer|not HTTP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000, "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab", "not HTTP"),
    ],
)
def test_answers_that_are_none(raw: bytes, says: str) -> None:
    async def play() -> None:
        async with serving(raw) as port:
            with pytest.raises(Unanswered, match=says):
                await get("127.0.0.1", port, "/health", 3.0, 1000)

    asyncio.run(play())


def test_an_answer_in_chunks_and_an_interim_one() -> None:
    async def play() -> None:
        raw = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
        async with serving(raw) as port:
            found = await get("127.0.0.1", port, "/health", 3.0, 1000)
            assert (found.status, found.body) == (503, b"ab")

    asyncio.run(play())


def test_an_answer_without_end_is_cut() -> None:
    async def play() -> None:
        async with serving(b"HTTP/1.1 503 No\r\n\r\n" + b"a" * 100_000, 30.0) as port:
            found = await get("127.0.0.1", port, "/health", 3.0, 1000)
            assert (found.status, found.body) == (503, b"a" * 1000)

    asyncio.run(play())


def test_dripping_does_not_buy_time() -> None:
    async def play() -> None:
        async with serving(b"HTTP/1.1 200 OK\r\n", 30.0) as port:
            began = time.monotonic()
            with pytest.raises(Unanswered, match=r"no answer within 0.2 s"):
                await get("127.0.0.1", port, "/health", 0.2, 1000)
            assert time.monotonic() - began < 20

    asyncio.run(play())


def test_a_port_where_nobody_listens_is_refused() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found = asyncio.run(probe.health("127.0.0.1", free.getsockname()[1]))
    assert (found.heard, found.reasons[0].reason) == (Heard.NOTHING, "connection refused")


def test_names_become_ipv4_addresses_and_unknown_ones_say_so() -> None:
    async def play() -> None:
        names = Names()
        assert await names.address("10.1.2.3") == "10.1.2.3"
        assert await names.address("localhost") == "127.0.0.1"
        with pytest.raises(Unresolved, match=r"no-such-host\.invalid"):
            await names.address("no-such-host.invalid")
        names.close()

    asyncio.run(play())


def test_a_name_server_that_does_not_answer_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def slow(name: Any, *rest: Any, **more: Any) -> Any:
        if name == "slow":
            time.sleep(4)
        return real("127.0.0.1" if name == "quick" else name, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow)

    async def play() -> None:
        names = Names()
        began = time.monotonic()
        waiting = asyncio.create_task(names.address("slow"))
        assert await names.address("quick") == "127.0.0.1"
        assert time.monotonic() - began < 3.5
        with pytest.raises(Unresolved, match="not resolved within"):
            await waiting
        names.doubt("quick")
        names.forget({"quick"})
        assert await names.address("quick") == "127.0.0.1"
        names.close()

    asyncio.run(play())


class Watched:
    def __init__(self) -> None:
        self.told: list[tuple[Key, Transition]] = []
        self.gone: list[Key] = []
        self.following = Following(lambda sight, change: self.told.append((sight.key, change)), self.gone.append)

    def desire(self, *rows: dict[str, Any], **more: Any) -> None:
        self.following.desire(parse(json.dumps(desired(*rows, **more)).encode()), {}, now())

    @property
    def changes(self) -> list[tuple[str, str]]:
        return [(change.before.value, change.after.value) for _, change in self.told]

    def state(self, key: Key = KEY) -> str:
        sight = self.following.sights.get(key)
        return sight.memory.state.value if sight else "none"

    async def until(self, true: Callable[[], object], seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"not so: {self.state()}, {self.changes}"
            await asyncio.sleep(0.02)


def play(test: Callable[[Watched], Awaitable[None]]) -> None:
    async def run() -> None:
        watched = Watched()
        task = asyncio.create_task(watched.following.run())
        try:
            await test(watched)
        finally:
            task.cancel()
            await watched.following.stop()

    asyncio.run(run())


def test_it_becomes_healthy_unhealthy_silent_and_healthy_again(instance: Instance) -> None:
    async def test(watched: Watched) -> None:
        watched.desire(instance.row())
        await watched.until(lambda: watched.state() == "healthy")
        instance.answer = (503, {"reasons": [{"check": "disk", "reason": "full"}]})
        await watched.until(lambda: watched.state() == "unhealthy")
        instance.end()
        await watched.until(lambda: watched.state() == "silent")
        instance.answer = (200, {})
        instance.begin()
        await watched.until(lambda: watched.state() == "healthy")
        assert watched.changes == list(pairwise(["unknown", "healthy", "unhealthy", "silent", "healthy"]))
        assert [change.why for _, change in watched.told] == ["", "disk: full", "answer: connection refused", ""]

    play(test)


def test_it_learns_what_an_instance_is_and_learns_it_anew_after_a_restart(instance: Instance) -> None:
    async def test(watched: Watched) -> None:
        watched.desire(instance.row())
        sight = watched.following.sights[KEY]
        await watched.until(lambda: sight.info is not None)
        assert sight.info and sight.info["git_sha"] == instance.info["git_sha"]
        instance.info = instance.info | {"git_sha": "b" * 40}
        instance.started_at += 2
        await watched.until(lambda: sight.info and sight.info["git_sha"] == "b" * 40, 20)

    play(test)


def test_a_start_is_told_as_starting(instance: Instance) -> None:
    async def test(watched: Watched) -> None:
        instance.answer = (503, {"reasons": [{"check": "phase", "reason": "the service is starting"}]})
        watched.desire(instance.row(start_seconds=60))
        await watched.until(lambda: watched.state() == "starting")
        instance.answer = (200, {})
        await watched.until(lambda: watched.state() == "healthy")

    play(test)


def test_what_is_not_desired_any_more_is_followed_until_it_is_gone(instance: Instance) -> None:
    async def test(watched: Watched) -> None:
        watched.desire(instance.row())
        await watched.until(lambda: watched.state() == "healthy")
        watched.desire()
        asked = watched.following.asking.asked
        await watched.until(lambda: watched.following.asking.asked > asked)
        assert watched.state() == "healthy" and not watched.following.sights[KEY].desired
        instance.end()
        await watched.until(lambda: watched.gone == [KEY])
        assert watched.state() == "none"

    play(test)


def test_time_in_which_nobody_asked_stays_unknown_in_the_strip(instance: Instance) -> None:
    async def test(watched: Watched) -> None:
        watched.desire(instance.row())
        await watched.until(lambda: watched.state() == "healthy")
        sight = watched.following.sights[KEY]
        sight.see(replace(sight.memory, state=State.UNKNOWN, before=(State.HEALTHY, sight.memory.since)), time.time())
        left = time.time()
        await watched.until(lambda: watched.state() == "healthy")
        assert [state for _, state in sight.changes] == [State.HEALTHY, State.UNKNOWN, State.HEALTHY]
        assert sight.changes[-1][0] >= left
        assert sight.memory.since < left, "it is the same health as before"

    play(test)


def test_our_own_lateness_is_nobodys_silence(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "SECONDS", 0.3)

    async def run() -> None:
        seen: list[State] = []
        asker = asking.Asking(Policy(), lambda _, memory: seen.append(memory.state))
        row = parse(json.dumps(desired(instance.row())).encode()).instances[0]
        sight = Sight(row, first(now()))
        instance.hang = True
        waiting = asyncio.create_task(asker.ask(sight))
        await asyncio.sleep(0.1)
        asker.late(1.0, time.monotonic())
        await waiting
        assert (asker.discarded, asker.missed, seen) == (1, 0, [])
        await asker.ask(sight)
        assert (asker.discarded, asker.missed) == (1, 1), "when we are in time, it counts"
        asker.names.close()
        instance.hang = False

    asyncio.run(run())
