"""Requests from outside: whatever comes, the answer is bounded, a problem when it is an error, and never a 5xx."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from running import Answer, Running

KIB = 1024


def is_problem(answer: Answer, status: int) -> dict[str, Any]:
    assert answer.status == status, (answer, answer.body)
    assert answer.headers["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status and found["type"] == "about:blank" and found["title"] and found["detail"]
    return found


def raw(port: int, sent: bytes, seconds: float = 10.0) -> bytes:
    """The first answer's head and what came with it."""
    with socket.create_connection(("127.0.0.1", port), seconds) as sock:
        sock.sendall(sent)
        sock.settimeout(seconds)
        return sock.recv(65536)


def head(method: str, target: str, service: Running, *more: str) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: x", f"Authorization: Bearer {service.token}", *more, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def test_unknown_routes_and_methods(tried: Running) -> None:
    is_problem(tried.ask("GET", "/nothing/here"), 404)
    is_problem(tried.ask("GET", "/pid/"), 404)  # no redirect built from the client's Host header
    wrong = tried.ask("DELETE", "/pid")
    is_problem(wrong, 405)
    assert wrong.headers["Allow"] == "GET"
    for path in ("/docs", "/redoc"):
        is_problem(tried.ask("GET", path), 404)


def test_headers_of_every_answer(tried: Running) -> None:
    for answer in (tried.ask("GET", "/pid"), tried.ask("GET", "/nothing"), tried.ask("GET", "/bad/fail")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "server" not in answer.headers


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic {0}", "bearer {0}x", "{0}", "\xff"])
def test_a_wrong_token(tried: Running, token: str) -> None:
    headers = {"Authorization": token.format(tried.token)} if token else {}
    answer = tried.ask("POST", "/echo", {}, token=False, headers=headers)
    is_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_right_token(tried: Running) -> None:
    assert tried.ask("POST", "/echo", {"a": 1}).json() == {"a": 1}
    headers = {"Authorization": f"bearer {tried.token}"}
    assert tried.ask("POST", "/echo", {}, token=False, headers=headers).status == 200, "the scheme has no case"


def test_a_rotated_token_is_seen_at_once(tried: Running) -> None:
    file = tried.surroundings.folder / "secrets" / "fleet-token"
    file.write_text("rotated\n")
    try:
        is_problem(tried.ask("POST", "/echo", {}), 401)
        headers = {"Authorization": "Bearer rotated"}
        assert tried.ask("POST", "/echo", {}, token=False, headers=headers).status == 200
        file.unlink()
        is_problem(tried.ask("POST", "/echo", {}), 503)  # nothing to compare with: refused, not let in
    finally:
        file.write_text(tried.token)


def test_the_token_is_asked_for_before_the_body_is_read(tried: Running) -> None:
    """A head that announces a body which never comes: only who may send one is waited for."""
    wish = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    began = time.monotonic()
    assert raw(tried.port, wish).startswith(b"HTTP/1.1 401 ")
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("size", [64 * KIB + 1, 300 * KIB, 3000 * KIB])
def test_a_body_that_is_too_large(tried: Running, size: int) -> None:
    is_problem(tried.ask("POST", "/echo", b'"' + b"x" * (size - 2) + b'"'), 413)
    is_problem(tried.ask("POST", "/upload", b"x" * size), 413)


def test_a_body_that_just_fits(tried: Running) -> None:
    body = json.dumps({"a": "x" * (64 * KIB - 9)}).encode()
    assert len(body) == 64 * KIB
    assert tried.ask("POST", "/echo", body).status == 200
    headers = {"Content-Type": "application/octet-stream"}
    assert tried.ask("POST", "/upload", body, headers=headers).json() == 64 * KIB


@pytest.mark.parametrize("target", ["/echo", "/upload"])
@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream"])
def test_a_chunked_body_that_is_too_large(tried: Running, target: str, kind: str) -> None:
    sent = head("POST", target, tried, "Transfer-Encoding: chunked", f"Content-Type: {kind}")
    sent += (b"4000\r\n" + b"x" * 0x4000 + b"\r\n") * 10 + b"0\r\n\r\n"
    assert raw(tried.port, sent).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("length", ["99999999999999999999", "9" * 5000])
def test_an_absurd_length(tried: Running, length: str) -> None:
    found = raw(tried.port, head("POST", "/echo", tried, f"Content-Length: {length}", "Expect: 100-continue"))
    assert found.split(b" ", 2)[1] in (b"413", b"400")


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "1, 2"])
def test_a_length_that_is_none(tried: Running, length: str) -> None:
    found = raw(tried.port, head("POST", "/echo", tried, f"Content-Length: {length}"))
    assert found.split(b" ", 2)[1] == b"400"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"", 422),
        (b"\x00", 400),
        (b"\xff\xfe\xfa", 400),
        (b"[" * 60_000, 400),
        (b'{"a":' * 10_000, 400),
        (b'{"a":' + b"9" * 5000 + b"}", 400),
        (b"7", 422),
        (b'{"a":"\\ud800"}', 400),
        (b'{"a":"\\udc00\\ud800"}', 400),
        (b'{"\\uDBFF":1}', 400),
        (b'{"a":"\\ud83d\\ude00"}', 200),
        (b'{"a":"\\\\ud800"}', 200),  # a backslash and five letters
        (b'{"a":NaN,"b":[Infinity,{"c":-Infinity}]}', 200),
        (b'{"a":1e999}', 200),
        (b'{"a":"\\u0000"}', 200),
        (b'{"a":123456789012345678901234567890}', 200),
    ],
)
def test_json_of_all_kinds(tried: Running, body: bytes, status: int) -> None:
    answer = tried.ask("POST", "/echo", body)
    if status == 200:
        assert answer.status == 200, answer.body
        answer.body.decode("utf-8")
        json.loads(answer.body, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    else:
        is_problem(answer, status)
        assert len(answer.body) < 2000, "the input is not sent back"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/items/abc", 422),
        ("/items/" + "9" * 5000, 422),
        ("/items/1?text=%00", 400),
        ("/items/%00", 400),
        ("/items/1?text=%ED%A0%80", 200),
        ("/items/1?text=%FF%FE", 200),
        ("/%ED%A0%80", 404),
        ("/items/1?text=" + "a" * 20_000, 200),
        ("/items/1?" + "a=1&" * 5000, 200),
        ("/../../etc/passwd", 404),
        ("//pid", 404),
    ],
)
def test_addresses_of_all_kinds(tried: Running, path: str, status: int) -> None:
    answer = tried.ask("GET", path)
    if status == 200:
        assert answer.status == 200, answer.body
    else:
        is_problem(answer, status)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /pid HTTP/1.1\r\nHost: x\r\nX: \xff\xfe\x80\r\n\r\n",
        b"GET /pid HTTP/1.1\r\nHost: [::1\r\n\r\n",
        b"GET /pid HTTP/1.1\r\nHost: " + b"h" * 10_000 + b"\r\n\r\n",
        b"GET /pid HTTP/1.1\r\nHost: x\r\nContent-Type: \x7f;;;=\r\n\r\n",
        b"GET /pid HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"GET http://elsewhere/pid HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /pid HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"GET /pid HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_garbage_in_heads(tried: Running, sent: bytes) -> None:
    assert raw(tried.port, sent).split(b" ", 2)[1][:1] in (b"2", b"4")


def test_an_unexpected_exception_says_nothing_of_the_inside(tried: Running) -> None:
    answer = tried.ask("GET", "/bad/fail?word=secretword")
    is_problem(answer, 500)
    assert b"secretword" not in answer.body and b"10.0.0.7" not in answer.body and b"RuntimeError" not in answer.body
    (line,) = [line for line in tried.lines if line["message"] == "a request failed" and "secretword" in line["trace"]]
    assert line["level"] == "error" and line["path"] == "/bad/fail" and line["method"] == "GET"


def test_an_answer_that_fails_in_the_middle_is_cut_not_ended(tried: Running) -> None:
    with socket.create_connection(("127.0.0.1", tried.port), 10) as sock:
        sock.sendall(head("GET", "/bad/cut", tried))
        found = b""
        while chunk := sock.recv(65536):
            found += chunk
    assert b"200 OK" in found and not found.endswith(b"0\r\n\r\n")
    assert not any("ASGI" in line["message"] for line in tried.lines), "one fault is one line"


def test_a_client_that_goes_in_the_middle_is_no_fault(tried: Running) -> None:
    before = len([line for line in tried.lines if line["level"] in ("error", "warning")])
    for target in ("/upload", "/echo"):
        for kind in ("application/json", "application/octet-stream"):
            with socket.create_connection(("127.0.0.1", tried.port), 10) as sock:
                sock.sendall(head("POST", target, tried, "Content-Length: 1000", f"Content-Type: {kind}") + b"[1,")
                time.sleep(0.1)
    assert tried.ask("GET", "/pid").status == 200
    time.sleep(0.2)
    assert len([line for line in tried.lines if line["level"] in ("error", "warning")]) == before


def test_metrics_have_no_label_that_clients_can_multiply(tried: Running) -> None:
    for number in range(30):
        tried.ask("GET", f"/items/{number}")
        tried.ask("GET", f"/nowhere/{number}")
        tried.ask(f"VERB{number}", "/pid")
    lines = [line for line in tried.health("/metrics").body.decode().splitlines() if "http_requests_total{" in line]
    assert len(lines) < 60, lines
    assert any('method="other"' in line for line in lines)
    assert any('route="(none)"' in line and 'status="404"' in line for line in lines)


def test_logs_cannot_be_forged(tried: Running) -> None:
    forged = '/bad/fail?word=%0A{"level":"info","message":"forged"}%0D%E2%80%A8%1B[31m'
    tried.ask("GET", forged)
    text = tried.log
    assert all(json.loads(line)["message"] != "forged" for line in text.splitlines())
    assert "\x1b" not in text and "\u2028" not in text
    for line in tried.lines:
        assert {"time", "level", "logger", "message", "service", "machine"} <= set(line)
        assert line["time"].endswith("Z") and len(line["time"]) == 24


def test_the_services_api_is_described(tried: Running) -> None:
    found = tried.ask("GET", "/openapi.json").json()
    echo = found["paths"]["/echo"]["post"]
    assert echo["security"] == [{"token": []}]
    assert {"400", "401", "413", "422", "default"} <= set(echo["responses"])
    problem = found["components"]["responses"]["413"]["content"]
    assert list(problem) == ["application/problem+json"]
    assert "HTTPValidationError" not in json.dumps(found)
    listen = found["paths"]["/events"]["get"]["responses"]["200"]["content"]
    assert list(listen) == ["text/event-stream"]


def test_clients_that_say_nothing_keep_nobody_out(tried: Running) -> None:
    """More connections than the service keeps, all of them silent or in the middle of a head."""
    held = []
    try:
        for number in range(700):
            sock = socket.create_connection(("127.0.0.1", tried.port), 10)
            held.append(sock)
            if number % 2:
                sock.sendall(b"GET /pid HTTP/1.1\r\nX-Slow: ")
        for _ in range(3):
            assert tried.ask("GET", "/pid").status == 200
        assert open_sockets(tried.pid) < 540
    finally:
        for sock in held:
            sock.close()


def open_sockets(pid: int) -> int:
    return sum(_target(fd).startswith("socket:") for fd in Path(f"/proc/{pid}/fd").iterdir())


def _target(fd: Path) -> str:
    try:
        return str(fd.readlink())
    except FileNotFoundError:  # closed meanwhile
        return ""


def test_nothing_is_left_over(tried: Running) -> None:
    """Runs last: after all of this the service is well, and small."""
    assert tried.health().status == 200
    status = Path(f"/proc/{tried.pid}/status").read_text()
    assert int(status.split("VmRSS:")[1].split()[0]) < 100_000
