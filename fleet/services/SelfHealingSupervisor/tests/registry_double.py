"""A registry on loopback with releases and tags: what a follower reads of one, over real HTTP."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def sha(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def record(name: str, images: Mapping[str, str], created: float) -> dict[str, Any]:
    """A release as the operator's tool writes it. `images`: machine/service -> digest."""
    contents = {
        "git_sha": "1" * 40,
        "instances": {
            key: {"reference": f"r.test/x:{name}", "digest": f"sha256:{digest}"} for key, digest in images.items()
        },
        "tickets": {"0001": {"title": "Größe"}},
    }
    plain = json.dumps(contents, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    made = datetime.fromtimestamp(created, UTC).isoformat(timespec="seconds")
    return {"version": 1, "name": name, "created": made, "digest": f"sha256:{sha(plain)}", "contents": contents}


class RegistryDouble:
    """`manifests` and `blobs` by path; `tokens`: when not empty, the only ones that open anything."""

    def __init__(self) -> None:
        self.manifests: dict[str, bytes] = {}
        self.blobs: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.server: ThreadingHTTPServer | None = None
        self.port = 0

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}/fleet"

    def put(self, release: Mapping[str, Any], tag: str | None = None) -> None:
        raw = json.dumps(release).encode()
        self.blobs[f"sha256:{sha(raw)}"] = raw
        layer = {"digest": f"sha256:{sha(raw)}", "annotations": {"org.opencontainers.image.title": "release.json"}}
        self.manifests[f"releases/{tag or release['name']}"] = json.dumps({"layers": [{"digest": "x"}, layer]}).encode()

    def start(self) -> None:
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                double.asked.append(self.path)
                double.headers.append(dict(self.headers))
                status, raw, more = double.answer(self.path)
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def answer(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        rest = path.removeprefix("/v2/fleet/")
        if rest.startswith("releases/tags/list"):
            tags = [key.partition("/")[2] for key in self.manifests if key.startswith("releases/")]
            return 200, json.dumps({"tags": tags}).encode(), {}
        name, _, last = rest.rpartition("/")
        if name.endswith("/blobs") and last in self.blobs:
            return 200, self.blobs[last], {}
        found = self.manifests.get(f"{name.removesuffix('/manifests')}/{last}")
        return (200, found, {}) if found is not None else (404, b"{}", {})


@contextmanager
def registry() -> Iterator[RegistryDouble]:
    made = RegistryDouble()
    made.start()
    try:
        yield made
    finally:
        made.stop()
