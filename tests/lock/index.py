"""A package index on loopback that behaves as the public one: sizes and hashes in its pages, metadata beside wheels."""

from __future__ import annotations

import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from lock.wheels import wheel


class Index(ThreadingHTTPServer):
    """The server. `removed` names are not found; while `open` is not set, everything is held back.

    `beside`: metadata beside wheels (PEP 658); `parts`: range requests.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.removed: set[str] = set()
        self.open = threading.Event()
        self.open.set()
        self.asked = threading.Event()
        self.beside = self.parts = True
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/simple"

    def page(self, name: str) -> bytes | None:
        files = sorted(self.folder.glob(f"{name.replace('-', '_')}-*")) if name not in self.removed else []
        said = [self._file(path) for path in files]
        return json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": said}).encode() if said else None

    def _file(self, path: Path) -> dict[str, object]:
        data = path.read_bytes()
        hashes = {"sha256": hashlib.sha256(data).hexdigest()}
        beside = self.beside and path.suffix == ".whl"
        return {
            "filename": path.name,
            "url": f"../../files/{path.name}",
            "hashes": hashes,
            "size": len(data),
            "core-metadata": beside,
            "requires-python": ">=3.9",
        }


class Handler(BaseHTTPRequestHandler):
    """Pages and files."""

    server: Index

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.server.asked.set()
        self.server.open.wait()
        kind, name = self.path.strip("/").split("/")[:2]
        if kind == "simple":
            page = self.server.page(name)
            self._answer(page, "application/vnd.pypi.simple.v1+json")
        else:
            self._answer(self._content(self.server.folder, name), "application/octet-stream")

    do_HEAD = do_GET  # noqa: N815 - the name that the standard library looks for

    def _content(self, folder: Path, name: str) -> bytes | None:
        if name.endswith(".metadata"):
            path = folder / name.removesuffix(".metadata")
            return metadata(path) if self.server.beside and path.is_file() else None
        return (folder / name).read_bytes() if (folder / name).is_file() else None

    def _answer(self, data: bytes | None, kind: str) -> None:
        if data is None:
            self.send_error(404)
            return
        status, whole = 200, len(data)
        part = self.headers.get("Range", "")
        if part and self.server.parts:
            first, _, last = part.removeprefix("bytes=").partition("-")
            start = int(first) if first else whole - int(last)
            end = min(int(last), whole - 1) if first and last else whole - 1
            status, data = 206, data[start : end + 1]
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if self.server.parts:
            self.send_header("Accept-Ranges", "bytes")
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{end}/{whole}")
        self.end_headers()
        if self.command != "HEAD":
            try:
                self.wfile.write(data)
            except OSError:
                return  # Who asked is gone.

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a test's output is its own."""


def metadata(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith("METADATA")))


def fill(folder: Path) -> None:
    """The packages of the small fleet."""
    for version in ("1.0", "1.1", "2.0"):
        wheel(folder, "one", version)
    wheel(folder, "two", "1.0", ("one>=1",))
    wheel(folder, "three", "1.0", ("two", 'four>=1; extra == "more"', 'never; python_version < "3"'))
    wheel(folder, "four", "1.0")
    wheel(folder, "five", "1.0", ("two",))
    wheel(folder, "kit", "1.0")
    wheel(folder, "torch", "2.2.2")
    wheel(folder, "torch", "2.4.0", ("nvidia-cuda-runtime-cu12==12.1.105",))
    wheel(folder, "vllm", "0.2.5", ("torch",))
    wheel(folder, "vllm", "0.6.3", ("torch==2.4.0", "ray"))
    wheel(folder, "vllm", "0.9.0", ("torch==2.7.0", "ray"))
    wheel(folder, "ray", "1.0")
    wheel(folder, "nvidia_cuda_runtime_cu12", "12.1.105")
    wheel(folder, "nvidia_cuda_runtime_cu12", "12.4.127")
    wheel(folder, "nvidia_cuda_runtime_cu13", "13.0.1")


@contextmanager
def serving(folder: Path) -> Iterator[Index]:
    """The index, answering until the end of the block."""
    index = Index(folder)
    thread = threading.Thread(target=index.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        index.open.set()
        index.shutdown()
        index.server_close()
