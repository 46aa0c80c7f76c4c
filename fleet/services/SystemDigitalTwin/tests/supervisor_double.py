"""A small real HTTP server that stands for a machine's supervisor, and can be lost and come back on its port."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


class SupervisorDouble:
    """`said` is what GET /v1/machine answers; `hangs` keeps answers back."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.said: Any = said
        self.status = 200
        self.tokens: list[str] = []
        self.free = threading.Event()
        self.free.set()
        self.port = 0
        self._server: _Server | None = None
        self.come()

    @property
    def peer(self) -> dict[str, str]:
        return {"url": f"http://127.0.0.1:{self.port}", "health_url": f"http://127.0.0.1:{self.port}"}

    def come(self) -> None:
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                double.tokens.append(self.headers["Authorization"])
                double.free.wait(30)
                raw = double.said if isinstance(double.said, bytes) else json.dumps(double.said).encode()
                try:
                    self.send_response(double.status if self.path == "/v1/machine" else 404)
                    self.send_header("Content-Length", str(len(raw)))
                    self.end_headers()
                    self.wfile.write(raw)
                except OSError:
                    pass  # the twin does not wait for ever

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def go(self) -> None:
        self.free.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
