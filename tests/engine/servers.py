"""A host that answers HTTP as a test wants it to, and remembers what it was asked."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes | Iterator[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Server:
    host: str
    asked: list[Request]

    def credentials(self) -> list[str]:
        """Every credential that it was ever sent."""
        return [one.headers["Authorization"] for one in self.asked if "Authorization" in one.headers]


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key in one file."""
    path, key = folder / "server.pem", folder / "key.pem"
    words = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tests")
    named = ("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(path))
    subprocess.run((*words, *named), check=True, capture_output=True)
    path.write_text(path.read_text() + key.read_text())
    return path


@contextmanager
def serving(answer: Callable[[Request], Answer], certificate: Path | None = None) -> Iterator[Server]:
    """A server on loopback for a while, with TLS where it has a certificate."""
    asked: list[Request] = []

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (ConnectionError, ssl.SSLError):
                self.close_connection = True  # The client had enough.

        def parse_request(self) -> bool:
            parsed = super().parse_request()
            if parsed:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked.append(Request(self.command, self.path, dict(self.headers.items()), body))
                self._say(answer(asked[-1]))
            return False

        def _say(self, said: Answer) -> None:
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            if isinstance(said.body, bytes):
                self.send_header("Content-Length", str(said.headers.get("Content-Length", len(said.body))))
            self.end_headers()
            if self.command == "HEAD":
                return
            for chunk in [said.body] if isinstance(said.body, bytes) else said.body:
                self.wfile.write(chunk)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield Server(f"127.0.0.1:{server.server_port}", asked)
        finally:
            server.shutdown()
            thread.join()
