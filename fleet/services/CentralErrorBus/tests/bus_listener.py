"""A client of the stream, as a browser's EventSource would be one."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Heard:
    event: str
    id: str
    data: Any


class Listener:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response

    def __iter__(self) -> Iterator[Heard]:
        fields: dict[str, str] = {}
        for raw in self._response:
            line = raw.decode().rstrip("\n")
            if line:
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
                continue
            if "data" in fields:
                yield Heard(fields.get("event", ""), fields.get("id", ""), json.loads(fields["data"]))
            fields = {}

    def until(self, count: int) -> list[Heard]:
        """The next `count` errors, and what came between them."""
        found: list[Heard] = []
        for heard in self:
            found.append(heard)
            count -= heard.event == "published"
            if not count:
                break
        return found

    def place(self) -> str:
        """Where the stream begins: the first thing that it says."""
        first = next(iter(self))
        assert first.event == "place"
        return first.id


@contextmanager
def listening(url: str, query: str = "", last: str = "", seconds: float = 20.0) -> Iterator[Listener]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
    try:
        connection.request("GET", f"/v1/stream{query}", headers={"Last-Event-ID": last} if last else {})
        response = connection.getresponse()
        assert response.status == 200, response.read()
        assert response.headers["Content-Type"].startswith("text/event-stream")
        yield Listener(response)
    finally:
        connection.close()
