"""The filter as it runs, over its UNIX socket, before a small engine that keeps every byte it is sent."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from bodies import BODY
from engine_double import ALPHA, FOREIGN, GUARD, EngineDouble
from guarded import DIGEST, REGISTRY, Guarded, built_for, guarded
from self_healing_supervisor.filter.__main__ import listen
from self_healing_supervisor.filter.shape import rebuilt
from self_healing_supervisor.http1 import Request, exchange, unix

Test = Callable[[Guarded], Awaitable[None]]


@pytest.fixture
def check(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Test], None]:
    """Runs a coroutine function with a filter; UNIX socket paths are short, so the folder is."""
    folder = tmp_path_factory.mktemp("f")

    def run(test: Test, engine: EngineDouble | None = None) -> None:
        async def inside() -> None:
            async with guarded(folder, engine or EngineDouble()) as one:
                await test(one)

        asyncio.run(inside())

    return run


def test_its_socket_is_for_its_own_user_and_group(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("left behind")
    with listen(tmp_path / "s"):
        assert (tmp_path / "s").stat().st_mode & 0o777 == 0o660


def test_acts_go_by_full_id_and_only_to_instances(check: Any) -> None:
    async def test(one: Guarded) -> None:
        for ref in ("dockwright-alpha", ALPHA):
            for verb, query in (("start", ""), ("stop", "?t=3"), ("restart", ""), ("kill", "?signal=SIGKILL")):
                assert (await one.ask("POST", f"/v1.24/containers/{ref}/{verb}{query}")).status == 204
                assert one.engine.acts[-1] == ("POST", f"/v1.45/containers/{ALPHA}/{verb}{query}")
        acts = len(one.engine.acts)
        for ref in (FOREIGN, GUARD, "dockwright-filter"):
            for target in (f"/containers/{ref}/start", f"/containers/{ref}/kill?signal=SIGTERM"):
                assert (await one.ask("POST", target)).status == 403
            for target in (f"/containers/{ref}/json", f"/containers/{ref}/logs?tail=5"):
                assert (await one.ask("GET", target)).status == 403
        assert len(one.engine.acts) == acts
        assert len(one.refusals) == 12
        assert (await one.ask("POST", f"/containers/{'0' * 64}/start")).status == 404

    check(test)


def test_a_name_that_the_engine_takes_for_another_container_is_refused(check: Any) -> None:
    async def test(one: Guarded) -> None:
        found = one.engine.containers[ALPHA]
        found["Name"] = "/dockwright-beta"  # renamed between two questions
        one.engine.containers["dockwright-alpha"] = found  # an engine that would resolve the old name
        assert (await one.ask("POST", "/containers/dockwright-alpha/start")).status == 403
        assert not one.engine.acts

    check(test)


def test_an_inspected_container_shows_nothing_but_what_healing_needs(check: Any) -> None:
    async def test(one: Guarded) -> None:
        answer = await one.ask("GET", "/containers/dockwright-alpha/json")
        assert answer.status == 200
        assert b"secret" not in answer.body.lower()
        assert "x-inner" not in answer.headers
        found = json.loads(answer.body)
        assert found["State"]["Status"] == "running"
        assert found["NetworkSettings"]["Networks"]["bridge"] == {"IPAddress": "172.17.0.2"}

    check(test)


def test_lists_and_events_are_filtered_by_label_whatever_is_asked(check: Any) -> None:
    async def test(one: Guarded) -> None:
        assert (await one.ask("GET", "/containers/json?all=1")).status == 200
        opener = unix(str(one.path))
        async with exchange(opener, Request("GET", "/events?since=1.5"), 5.0) as stream:
            await one.engine.events.put(b'{"Action":"die"}\n')
            assert [chunk async for chunk in _first(stream.chunks)] == [b'{"Action":"die"}\n']
            assert one.engine.open_streams == 1
        for _ in range(200):
            if not one.engine.open_streams:
                break
            await asyncio.sleep(0.01)
        assert one.engine.open_streams == 0, "a client that is gone must not leave a stream open"
        for target in (target for _, target, _ in one.engine.heads if "filters=" in target):
            assert "io.dockwright.fleet%3Ddockwright" in target
            assert "io.dockwright.role%3Dinstance" in target

    check(test)


async def _first(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield await anext(chunks)


def test_only_so_many_event_streams(check: Any) -> None:
    async def test(one: Guarded) -> None:
        opener = unix(str(one.path))
        held = [exchange(opener, Request("GET", "/events"), 5.0) for _ in range(4)]
        statuses = [(await stream.__aenter__()).status for stream in held]
        assert statuses == [200] * 4
        assert (await one.ask("GET", "/events")).status == 429
        for stream in held:
            await stream.__aexit__(None, None, None)

    check(test)


def test_a_container_is_made_as_the_operator_approved_it_and_in_the_fleets_shape(check: Any) -> None:
    async def test(one: Guarded) -> None:
        assert (await one.create()).status == 201
        method, target, sent = one.engine.heads[-1]
        assert (method, target) == ("POST", "/v1.45/containers/create?name=dockwright-alpha")
        assert json.loads(sent) == rebuilt(BODY, "dockwright-alpha")
        assert json.loads(sent)["HostConfig"]["Privileged"] is False

    check(test)


def test_from_another_image_everything_else_is_still_the_operators(check: Any) -> None:
    async def test(one: Guarded) -> None:
        image = f"{REGISTRY}/alpha@sha256:{DIGEST}"
        one.engine.images[image] = built_for("mainpc/Alpha")
        assert (await one.create(digest=DIGEST)).status == 201
        sent = json.loads(one.engine.heads[-1][2])
        assert sent.pop("Image") == image
        assert sent["Labels"].pop("com.docker.compose.image") == f"sha256:{DIGEST}"
        expected = rebuilt(BODY, "dockwright-alpha")
        del expected["Image"]
        assert sent == expected

    check(test)


@pytest.mark.parametrize("title", ["pc2/Alpha", "mainpc/Beta", "mainpc/alpha", "", None])
def test_an_image_that_was_built_for_another_instance_is_not_used(check: Any, title: str | None) -> None:
    async def test(one: Guarded) -> None:
        one.engine.images[f"{REGISTRY}/alpha@sha256:{DIGEST}"] = built_for(title)
        assert (await one.create(digest=DIGEST)).status == 403
        answer = await one.ask("POST", f"/images/create?name=dockwright-alpha&digest={DIGEST}")
        assert answer.status == 403
        assert [target for _, target in one.engine.acts] == [PULL]

    check(test)


def test_an_image_that_is_not_here_makes_no_container(check: Any) -> None:
    async def test(one: Guarded) -> None:
        assert (await one.create(digest=DIGEST)).status == 404
        assert (await one.ask("GET", f"/images/json?name=dockwright-alpha&digest={DIGEST}")).status == 404
        assert not one.engine.acts

    check(test)


PULL = f"/v1.45/images/create?fromImage=registry.test%3A5000%2Ffleet%2Falpha&tag=sha256%3A{DIGEST}"


def test_an_image_is_pulled_by_digest_from_where_the_operator_says(check: Any) -> None:
    async def test(one: Guarded) -> None:
        one.engine.images[f"{REGISTRY}/alpha@sha256:{DIGEST}"] = built_for("mainpc/Alpha")
        answer = await one.ask("POST", f"/images/create?name=dockwright-alpha&digest={DIGEST}")
        assert (answer.status, one.engine.acts) == (200, [("POST", PULL)])
        one.engine.pulled = b'{"status":"Pulling"}\r\n{"errorDetail":{},"error":"manifest unknown"}\r\n'
        answer = await one.ask("POST", f"/images/create?name=dockwright-alpha&digest={DIGEST}")
        assert answer.status == 502
        assert "manifest unknown" in json.loads(answer.body)["message"]

    check(test)


def test_a_pull_goes_with_the_operators_login_where_there_is_one(check: Any) -> None:
    async def test(one: Guarded) -> None:
        one.engine.images[f"{REGISTRY}/alpha@sha256:{DIGEST}"] = built_for("mainpc/Alpha")
        (one.folder / "login").write_text(json.dumps({"username": "me", "password": "hidden"}))
        assert (await one.ask("POST", f"/images/create?name=dockwright-alpha&digest={DIGEST}")).status == 200
        (sent,) = filter(None, one.engine.logins)
        said = json.loads(base64.urlsafe_b64decode(sent))
        assert said == {"username": "me", "password": "hidden", "serveraddress": "registry.test:5000"}
        assert [target for _, target in one.engine.acts] == [PULL]
        assert "hidden" not in one.log.getvalue()

    check(test)


def test_the_image_to_go_back_to_gets_one_tag_and_no_other(check: Any) -> None:
    async def test(one: Guarded) -> None:
        one.engine.images[BODY["Image"]] = built_for("mainpc/Alpha")
        assert (await one.ask("POST", "/images/tag?name=dockwright-alpha")).status == 201
        target = one.engine.acts[-1][1]
        assert target == f"/v1.45/images/{BODY['Image']}/tag?repo=registry.test%3A5000%2Ffleet%2Falpha&tag=mainpc-prev"

    check(test)


def test_an_image_is_found_by_the_tag_that_somebody_gave_it(check: Any) -> None:
    async def test(one: Guarded) -> None:
        one.engine.images[f"{REGISTRY}/alpha:mine"] = built_for("mainpc/Alpha")
        answer = await one.ask("GET", "/images/json?name=dockwright-alpha&tag=mine")
        assert json.loads(answer.body) == {"Id": "sha256:" + "e" * 64, "RepoDigests": []}

    check(test)


@pytest.mark.parametrize(
    "registry", [None, "", 5, ["r"], "REGISTRY", "r:5000/../x", "r/x?y", "r@z", "r/x y", "http://r/x", "r/x/"], ids=str
)
def test_where_the_operator_names_no_registry_no_image_is_taken(check: Any, registry: object) -> None:
    async def test(one: Guarded) -> None:
        one.follow(registry)
        for target in (
            f"/images/create?name=dockwright-alpha&digest={DIGEST}",
            f"/containers/create?name=dockwright-alpha&digest={DIGEST}",
        ):
            assert (await one.ask("POST", target)).status == 403
        assert not one.engine.acts
        assert (await one.create()).status == 201

    check(test)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{", b'{"follow":5}', b'{"follow":{}}', b'{"follow":{"registry":"a"},"follow":{"registry":"b"}}'],
)
def test_what_is_desired_and_cannot_be_read_allows_nothing(check: Any, content: bytes) -> None:
    async def test(one: Guarded) -> None:
        (one.folder / "desired.json").write_bytes(content)
        assert (await one.create(digest=DIGEST)).status == 403
        (one.folder / "desired.json").unlink()
        assert (await one.create(digest=DIGEST)).status == 403
        assert not one.engine.acts

    check(test)


def test_the_deploy_lock_is_taken_and_left_and_somebody_elses_is_not_touched(check: Any) -> None:
    async def test(one: Guarded) -> None:
        lock = "/networks/dockwright-deploy-lock"
        assert (await one.ask("DELETE", lock)).status == 200  # nobody had it
        assert (await one.ask("POST", lock)).status == 201
        made = one.engine.network or {}
        assert made["Name"] == "dockwright-deploy-lock" and made["Internal"] is True
        assert made["Labels"]["io.dockwright.lock.who"] == "SelfHealingSupervisor"
        assert (await one.ask("POST", lock)).status == 200  # an earlier life had it
        assert (await one.ask("DELETE", lock)).status == 204
        one.engine.network = {"Labels": {"io.dockwright.lock.who": "me@desk"}}
        acts = len(one.engine.acts)
        assert {(await one.ask(method, lock)).status for method in ("POST", "DELETE")} == {409}
        assert (len(one.engine.acts), one.engine.network is not None) == (acts, True)

    check(test)


def test_a_container_is_removed_by_its_full_id_and_never_by_force(check: Any) -> None:
    async def test(one: Guarded) -> None:
        assert (await one.ask("DELETE", "/containers/dockwright-alpha")).status == 204
        assert one.engine.heads[-1][:2] == ("DELETE", f"/v1.45/containers/{ALPHA}")
        for target in (FOREIGN, GUARD, f"{ALPHA}?force=1", f"{ALPHA}?v=1"):
            assert (await one.ask("DELETE", f"/containers/{target}")).status == 403
        assert [method for method, _, _ in one.engine.heads].count("DELETE") == 1

    check(test)


BODIES: list[bytes] = [
    json.dumps(BODY).encode(),
    b'{"HostConfig":{"Privileged":true}}',
    b'{"hostconfig":{"binds":["/:/host"]}}',
    b"{}",
    b"null",
    b" ",
    b"[" * 100_000,
    b"\xff\xfe",
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_client_has_no_say_in_a_body(check: Any, body: bytes) -> None:
    async def test(one: Guarded) -> None:
        for target in ("/containers/create?name=dockwright-alpha", f"/containers/{ALPHA}/start"):
            assert (await one.ask("POST", target, body)).status == 413
        assert not one.engine.acts

    check(test)


def test_what_the_operator_did_not_approve_is_not_made(check: Any) -> None:
    async def test(one: Guarded) -> None:
        assert (await one.create("dockwright-beta")).status == 403
        evil = {**BODY, "HostConfig": {**BODY["HostConfig"], "Privileged": True}}
        one.approve("dockwright-beta", evil)
        assert (await one.create("dockwright-beta")).status == 403
        (one.folder / "elsewhere.json").write_text(json.dumps(BODY))
        (one.folder / "instances" / "dockwright-link.json").symlink_to(one.folder / "elsewhere.json")
        os.mkfifo(one.folder / "instances" / "dockwright-pipe.json")
        (one.folder / "instances" / "dockwright-twice.json").write_bytes(b'{"Image":"a","Image":"b"}')
        (one.folder / "instances" / "dockwright-nan.json").write_bytes(b'{"Image":NaN}')
        for name in ("link", "pipe", "twice", "nan"):
            assert "no approved body" in str(json.loads((await one.create(f"dockwright-{name}")).body))
        assert not one.engine.acts

    check(test)


def test_a_body_in_chunks_is_a_body(check: Any) -> None:
    async def test(one: Guarded) -> None:
        head = (
            b"POST /containers/create?name=dockwright-alpha HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        assert b" 413 " in await one.raw(head + b"1\r\nx\r\n0\r\n\r\n")
        assert not one.engine.acts

    check(test)


SMUGGLED = [
    b"POST /containers/%s/start HTTP/1.1\r\nHost: d\r\n"
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /containers/%s/start HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nabcde",
    b"POST /containers/%s/start HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST /containers/%s/start HTTP/1.1\r\nHost: d\r\nHost: e\r\n\r\n",
    b"POST /containers/%s/start HTTP/1.1\r\n\r\n",
    b"POST /containers/%s/start  HTTP/1.1\r\nHost: d\r\n\r\n",
    b"POST /containers/%s/start\x0bHTTP/1.1\r\nHost: d\r\n\r\n",
    b"POST /containers/%s/start HTTP/1.1\r\nHost : d\r\n\r\n",
    b"POST /containers/%s/start HTTP/1.1\r\nHost: d\r\n folded: x\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n",
]


@pytest.mark.parametrize("sent", SMUGGLED, ids=range(len(SMUGGLED)))
def test_a_request_that_two_parsers_read_in_two_ways_reaches_nobody_twice(check: Any, sent: bytes) -> None:
    """Either it is refused, or exactly one act of exactly the checked shape reaches the engine."""

    async def test(one: Guarded) -> None:
        await one.raw(sent.replace(b"%s", ALPHA.encode()))
        assert one.engine.acts in ([], [("POST", f"/v1.45/containers/{ALPHA}/start")])
        assert all(body == b"" for _, _, body in one.engine.heads)

    check(test)


def test_pipelined_requests_are_judged_one_by_one(check: Any) -> None:
    async def test(one: Guarded) -> None:
        def post(ref: str, verb: str) -> bytes:
            return f"POST /containers/{ref}/{verb} HTTP/1.1\r\nHost: d\r\n\r\n".encode()

        sent = post(ALPHA, "start") + post(FOREIGN, "start") + post(ALPHA, "exec") + post(ALPHA, "stop")
        answer = await one.raw(sent)
        statuses = re.findall(rb"HTTP/1\.1 (\d+)", answer)
        assert statuses == [b"204", b"403", b"403", b"204"], answer
        assert one.engine.acts == [("POST", f"/v1.45/containers/{ALPHA}/{verb}") for verb in ("start", "stop")]

    check(test)


@pytest.mark.parametrize("target", [f"/containers/{ALPHA}/start", f"/containers/{ALPHA}/attach?stream=1", "/session"])
def test_no_connection_is_ever_handed_over(check: Any, target: str) -> None:
    async def test(one: Guarded) -> None:
        head = f"POST {target} HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n".encode()
        reader, writer = await asyncio.open_unix_connection(str(one.path))
        writer.write(head)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert b" 403 " in answer
        writer.close()
        assert not one.engine.acts

    check(test)


def test_refusals_say_why_and_are_logged_in_one_line(check: Any) -> None:
    async def test(one: Guarded) -> None:
        answer = await one.ask("POST", "/v1.45/containers/create?name=x")
        assert (answer.status, answer.headers["content-type"]) == (403, "application/json")
        assert "name=x" in json.loads(answer.body)["message"]
        await one.raw(b'GET /containers/\xff\xfe"/json HTTP/1.1\r\nHost: d\r\n\r\n')
        assert next(row["path"] for row in one.refusals) == "/v1.45/containers/create"

    check(test)


@pytest.mark.parametrize(("newest", "oldest"), [("1.41", "1.12"), ("1.45", "1.24"), ("1.52", "1.44"), ("1.60", "1.50")])
def test_it_speaks_a_version_that_the_engine_speaks(check: Any, newest: str, oldest: str) -> None:
    spoken = {"1.41": "1.41", "1.45": "1.45", "1.52": "1.45", "1.60": "1.50"}[newest]

    async def test(one: Guarded) -> None:
        await one.ask("GET", "/v1.99/containers/json")
        assert one.engine.heads[-1][1].startswith(f"/v{spoken}/containers/json?filters=")

    check(test, EngineDouble(newest, oldest))


def test_an_engine_that_is_gone_is_said_and_comes_back(check: Any) -> None:
    async def test(one: Guarded) -> None:
        await one.engine.close()
        answer = await one.ask("GET", "/version")
        assert answer.status == 502
        (one.folder / "engine.sock").unlink(missing_ok=True)
        again = EngineDouble("1.50", "1.48")
        await again.listen(one.folder / "engine.sock")
        assert (await one.ask("GET", "/containers/json")).status == 200
        await again.close()

    check(test)


def test_a_slow_body_does_not_hold_a_place_for_ever(check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("self_healing_supervisor.filter.app.BODY_SECONDS", 0.2)

    async def test(one: Guarded) -> None:
        head = b"POST /containers/create?name=dockwright-alpha HTTP/1.1\r\nHost: d\r\nContent-Length: 9\r\n\r\n"
        assert b" 408 " in await one.raw(head)

    check(test)
