"""What a supervisor brought by itself is what is desired there; without its word, what was rolled out is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from dockwright.rollout.followed import Brought, ask, over, read
from dockwright.rollout.healer import SERVICE

OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
TWO = "20261125-0a1b2c3d4e5f"


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
    rows = over(desired(), Brought(TWO, {"Alpha": NEW, "Gone": NEW}))["instances"]
    assert [(row["image_digest"], row["tag"]) for row in rows] == [(NEW, TWO), (OLD, "one"), (OLD, "one")]
    forced = over(desired(), Brought("", {"Beta": NEW}))["instances"]
    assert [(row["image_digest"], row["tag"]) for row in forced] == [(OLD, "one"), (NEW, "one"), (OLD, "one")]
    assert over(desired(), None) == desired()


def test_the_supervisor_is_asked_where_it_follows() -> None:
    content = json.dumps({"release": TWO, "images": {"Alpha": NEW}, "attempt": None}).encode()
    with supervisor(200, content) as port:
        follow = {"registry": "r.test/x", "release": "latest"}
        assert ask(desired(port, follow=follow), "127.0.0.1") == Brought(TWO, {"Alpha": NEW})
        assert ask(desired(port), "127.0.0.1") is None


def test_what_is_still_tried_is_told() -> None:
    trying = {"release": "", "images": {"Alpha": NEW}, "attempt": {"name": TWO, "services": ["Alpha"]}}
    assert read(trying) == Brought("", {"Alpha": NEW}, trying=True)


@pytest.mark.parametrize("images", [5, {"Alpha": "latest"}, {"Alpha": OLD + "\n"}, {"Alpha": None}])
def test_an_image_that_is_no_digest_is_no_word(images: object) -> None:
    assert read({"release": TWO, "images": images}) is None


@pytest.mark.parametrize("release", ["../../run", "latest", TWO + "/", [TWO]])
def test_a_release_that_has_no_releases_name_is_no_word(release: object) -> None:
    assert read({"release": release, "images": {"Alpha": NEW}}) is None


@pytest.mark.parametrize(("status", "content"), [(404, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b"[" * 99999)])
def test_without_its_word_nothing_was_brought(status: int, content: bytes) -> None:
    with supervisor(status, content) as port:
        wanted = desired(port, follow={"registry": "r.test/x"})
        assert ask(wanted, "127.0.0.1") is None
    assert ask(wanted, "127.0.0.1") is None
    alone = {**wanted, "instances": wanted["instances"][:2]}
    assert ask(alone, "127.0.0.1") is None
