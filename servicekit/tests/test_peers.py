"""Calls to peers: only to those declared, and nothing that a peer answers can hold, flood or lead away its caller."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from running import Running, start_service
from servicekit.client import REPLY_BYTES, Request, send
from servicekit.errors import Unanswered, UndeclaredPeer
from servicekit.peers import Peers
from servicekit.settings import Address, parse_peers

TRIED = Path(__file__).parent / "apps" / "Tried"
Behaviour = Callable[[socket.socket, bytes], None]


@contextmanager
def peer(behaviour: Behaviour) -> Iterator[str]:
    """A server that reads one request head per connection and then does as it likes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(20)
        ended = threading.Event()

        def run() -> None:
            while not ended.is_set():
                try:
                    sock, _ = listening.accept()
                except OSError:
                    return
                with sock:
                    sock.settimeout(20)
                    head = b""
                    while b"\r\n\r\n" not in head and (chunk := sock.recv(65536)):
                        head += chunk
                    try:
                        behaviour(sock, head)
                    except OSError:
                        pass  # the client has gone, which is what it should do

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield "http://127.0.0.1:{}".format(listening.getsockname()[1])
        finally:
            ended.set()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def says(text: str) -> Behaviour:
    return lambda sock, _: sock.sendall(text.encode())


def test_a_call_carries_the_token_and_the_body() -> None:
    seen: list[bytes] = []

    def behaviour(sock: socket.socket, head: bytes) -> None:
        while not head.endswith(b"}"):  # the body may come in a piece of its own
            head += sock.recv(65536)
        seen.append(head)
        sock.sendall(b'HTTP/1.1 201 Created\r\nContent-Length: 7\r\n\r\n{"a":1}')

    with peer(behaviour) as url:
        declared = {"Other": {"mainpc": Address(url, url)}}
        reply = Peers(declared, "mainpc", lambda: "s3cret").call("Other", "POST", "/v1/x?y=1", json={"b": 2})
    assert reply.status == 201 and reply.json() == {"a": 1}
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/x?y=1 HTTP/1.1\r\n")
    assert b"Authorization: Bearer s3cret" in head and json.loads(body) == {"b": 2}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_refused(status: int) -> None:
    answer = f"HTTP/1.1 {status} Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with peer(says(answer)) as url, pytest.raises(Unanswered, match="not followed"):
        send(Request("GET", url + "/", token="s3cret"), 5)


@pytest.mark.parametrize("kind", ["head", "body", "chunks", "nothing"])
def test_a_peer_that_drips_is_left_at_the_deadline(kind: str) -> None:
    first = {
        "head": b"HTTP/1.1 200 OK\r\n",
        "body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "nothing": b"",
    }[kind]
    drip = {"head": b"X: y\r\n", "body": b"x", "chunks": b"1\r\nx\r\n", "nothing": b""}[kind]

    def behaviour(sock: socket.socket, _: bytes) -> None:
        sock.sendall(first)
        for _number in range(60):
            sock.sendall(drip)
            time.sleep(0.1)

    with peer(behaviour) as url:
        began = time.monotonic()
        with pytest.raises(Unanswered, match="no answer within 1 s"):
            send(Request("GET", url + "/"), 1)
        assert time.monotonic() - began < 2.5


def test_an_endless_answer_is_left() -> None:
    def behaviour(sock: socket.socket, _: bytes) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            sock.sendall(b"x" * 65536)

    with peer(behaviour) as url, pytest.raises(Unanswered, match=f"larger than {REPLY_BYTES}"):
        send(Request("GET", url + "/"), 20)


@pytest.mark.parametrize(
    "answer",
    ["", "nonsense\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"],
)
def test_answers_that_are_none(answer: str) -> None:
    with peer(says(answer)) as url, pytest.raises(Unanswered):
        send(Request("GET", url + "/"), 2)


def test_an_answer_that_is_no_json() -> None:
    with peer(says("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{")) as url:
        reply = send(Request("GET", url + "/"), 2)
        with pytest.raises(Unanswered, match="not JSON"):
            reply.json()


def test_nobody_there() -> None:
    with pytest.raises(Unanswered, match="refused"):
        send(Request("GET", "http://127.0.0.1:1/"), 2)
    with pytest.raises(Unanswered):
        send(Request("GET", "http://no-such-host.invalid:80/"), 2)


@pytest.mark.parametrize("path", ["/a b", "/a\r\nX: y", "/\x00", "/ü"])
def test_paths_that_would_break_the_request(path: str) -> None:
    with peer(says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as url, pytest.raises(Unanswered):
        send(Request("GET", url + path), 2)


def test_the_own_machine_comes_first_and_others_must_be_declared() -> None:
    text = json.dumps({"Other": {m: {"url": f"http://{m}:1", "health_url": f"http://{m}:2"} for m in ("a", "b", "c")}})
    peers = Peers(parse_peers(text), "b", str)
    assert peers.machines("Other") == ("b", "a", "c")
    assert peers.url("Other") == "http://b:1" and peers.health_url("Other", "c") == "http://c:2"
    for name, machine in (("Other", "d"), ("Another", None)):
        with pytest.raises(UndeclaredPeer):
            peers.url(name, machine)


def test_a_service_calls_only_declared_peers(tmp_path: Path, tried: Running) -> None:
    with start_service(TRIED, tmp_path, peers={"Other": tried.peer}) as service:
        assert service.ask("GET", "/peer?name=Other&path=/pid").json()["status"] == 200
        answer = service.ask("GET", "/peer?name=Another&path=/pid")
        assert answer.status == 502 and answer.json()["kind"] == "UndeclaredPeer"
