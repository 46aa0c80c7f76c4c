"""A client of /v1/watch over a real socket, which reads the protocol and nothing else."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Heard:
    id: str
    event: str
    data: dict[str, Any]

    @property
    def ids(self) -> list[str]:
        if self.event == "snapshot":
            return [one["id"] for one in self.data["registrations"]]
        return [self.data["registration"]["id"]]


@dataclass
class Watch:
    """`with Watch(url) as watch: watch.next()`."""

    url: str
    last: str | None = None
    query: str = ""
    timeout: float = 20.0
    status: int = 0
    parts: int = 0
    known: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __enter__(self) -> Watch:
        where = urlsplit(self.url)
        self._socket = socket.create_connection((where.hostname or "", where.port or 0), self.timeout)
        resume = "" if self.last is None else f"Last-Event-ID: {self.last}\r\n"
        head = f"GET /v1/watch{self.query} HTTP/1.1\r\nHost: registry\r\nAccept: text/event-stream\r\n{resume}\r\n"
        self._socket.sendall(head.encode())
        self._lines = self._read()
        self.status = int(next(self._lines).split(" ")[1])
        while next(self._lines):
            pass
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def next(self) -> Heard:
        """The next event; comments and the sizes of chunks are skipped."""
        fields: dict[str, str] = {}
        began = time.monotonic()
        for line in self._lines:
            if time.monotonic() - began > self.timeout:
                raise TimeoutError("nothing but comments")
            name, colon, value = line.partition(": ")
            if colon and name in ("id", "event", "data"):
                fields[name] = value
            elif not line and "data" in fields:
                heard = Heard(fields.get("id", ""), fields["event"], json.loads(fields["data"]))
                self._learn(heard)
                return heard
        raise EOFError("the stream has ended")

    def snapshot(self) -> list[Heard]:
        """All parts of it."""
        parts = [self.next()]
        while parts[-1].data["more"]:
            parts.append(self.next())
        assert {part.event for part in parts} == {"snapshot"}
        return parts

    def until(self, id: str, event: str) -> Heard:
        """The event of that kind about that registration, and all before it."""
        while True:
            heard = self.next()
            if heard.event == event and id in heard.ids:
                return heard

    def _learn(self, heard: Heard) -> None:
        self.last = heard.id or self.last
        if heard.event == "snapshot":
            self.parts += 1
            assert heard.data["part"] == self.parts
            assert bool(heard.id) != heard.data["more"]
            self.known = {} if self.parts == 1 else self.known
            self.known |= {one["id"]: one for one in heard.data["registrations"]}
            self.parts = self.parts if heard.data["more"] else 0
            return
        assert self.parts == 0, "a change in the middle of a snapshot"
        one = heard.data["registration"]
        if heard.event == "registered":
            self.known.pop(heard.data["instead_of"] or "", None)
            self.known[one["id"]] = one
        else:
            assert self.known.pop(one["id"]) == one

    def _read(self) -> Iterator[str]:
        rest = b""
        while chunk := self._socket.recv(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from (line.decode().removesuffix("\r") for line in lines)
