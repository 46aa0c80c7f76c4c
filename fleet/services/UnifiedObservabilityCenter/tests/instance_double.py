"""Real small HTTP servers in place of instances: each has a health port whose answers a test can change."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SHA = "1f0c2d3e4b5a69788796a5b4c3d2e1f001122334"
TAG = "20261124-1f0c2d3"


class Instance:
    """Healthy until told otherwise. `hang`: takes connections and says nothing."""

    def __init__(self, service: str, machine: str = "mainpc", port: int = 0) -> None:
        self.service, self.machine = service, machine
        self.answer: tuple[int, Any] = (200, {"status": "ok"})
        self.info: Any = {
            "service": service,
            "machine": machine,
            "git_sha": SHA,
            "tag": TAG,
            "input_digest": "sha256:a",
        }
        self.more: dict[str, tuple[int, Any]] = {}
        self.started_at = time.time()
        self.hang = False
        self.asked: list[str] = []
        self._server: ThreadingHTTPServer | None = None
        self.port = port
        self.begin()

    def begin(self) -> None:
        """A new run, on the same port as before."""
        self.started_at = time.time()
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                double.asked.append(self.path)
                while double.hang:
                    time.sleep(0.05)
                status, body = double.told(self.path)
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # whoever asked has gone

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def told(self, path: str) -> tuple[int, Any]:
        run = {"started_at": datetime.fromtimestamp(self.started_at, UTC).isoformat()}
        path = path.partition("?")[0]
        if path in self.more:
            return self.more[path]
        if path == "/info":
            return 200, self.info | run if isinstance(self.info, dict) else self.info
        status, body = self.answer
        return status, body | run if isinstance(body, dict) else body

    def end(self) -> None:
        self.hang = False
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def row(self, **more: Any) -> dict[str, Any]:
        """Its row in desired.json."""
        facts = {"git_sha": SHA, "tag": TAG, "input_digest": "sha256:a", "family": "family-web", "phase": "core-infra"}
        place = {"service": self.service, "machine": self.machine, "address": "127.0.0.1", "container": "dockwright-x"}
        needs = {"port": 7000, "health_port": self.port, "start_seconds": 5, "memory_mb": 128, "depends": []}
        return {**place, **needs, **facts, **more}


def desired(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "machine": "mainpc",
        "written_at": "2026-01-01T00:00:00+00:00",
        "git_sha": SHA,
        "tag": TAG,
        "machines": {"mainpc": {"gpu": "RTX 4090", "gpu_memory_mb": 24564, "cpus": 32, "memory_mb": 65536}},
        "instances": list(rows),
        "left_out": [],
        **more,
    }
