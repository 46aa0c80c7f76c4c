"""What a supervisor brought by itself is what is desired there; without its word, what was rolled out is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from dockwright.rollout.followed import brought, over
from dockwright.rollout.healer import SERVICE

OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def desired(port: int = 1, **more: Any) -> dict[str, Any]:
    rows = [{"service": name, "image_digest": OLD, "tag": "one", "port": port} for name in ("Alpha", "Beta", SERVICE)]
    return {"machine": "mainpc", "instances": rows, **more}


@contextmanager
def supervisor(status: int, content: bytes) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/v1/follow" else 404)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_what_was_brought_is_desired() -> None:
    said = {"release": "two", "images": {"Alpha": NEW, "Gone": NEW}}
    rows = brought(desired(), said)["instances"]
    assert [(row["image_digest"], row["tag"]) for row in rows] == [(NEW, "two"), (OLD, "one"), (OLD, "one")]
    forced = brought(desired(), {"release": "", "images": {"Beta": NEW}})["instances"]
    assert [(row["image_digest"], row["tag"]) for row in forced] == [(OLD, "one"), (NEW, "one"), (OLD, "one")]


def test_the_supervisor_is_asked_where_it_follows() -> None:
    content = json.dumps({"release": "two", "images": {"Alpha": NEW}}).encode()
    with supervisor(200, content) as port:
        follow = {"registry": "r.test/x", "release": "latest"}
        assert over(desired(port, follow=follow), "127.0.0.1")["instances"][0]["image_digest"] == NEW
        assert over(desired(port), "127.0.0.1") == desired(port)


@pytest.mark.parametrize(("status", "content"), [(404, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b'{"images": 5}')])
def test_without_its_word_what_was_rolled_out_counts(status: int, content: bytes) -> None:
    with supervisor(status, content) as port:
        wanted = desired(port, follow={"registry": "r.test/x"})
        assert over(wanted, "127.0.0.1") == wanted
    assert over(wanted, "127.0.0.1") == wanted
    alone = {**wanted, "instances": wanted["instances"][:2]}
    assert over(alone, "127.0.0.1") == alone
