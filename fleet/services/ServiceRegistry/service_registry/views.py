"""What the registry knows, as the API shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from servicekit.sse import Event

from service_registry import models
from service_registry.core import follow
from service_registry.core.query import Found
from service_registry.core.registration import Registration

PIECE: Final = 16 * 1024


def wished(wish: models.Wish) -> Registration:
    """Not registered yet: the registry gives it an id and a time."""
    return Registration(
        id="",
        service=wish.service,
        machine=wish.machine,
        url=wish.url,
        health_url=wish.health_url,
        capabilities=tuple(sorted(set(wish.capabilities))),
        lease_seconds=wish.lease_seconds,
        metadata=wish.metadata,
        registered_at=0.0,
    )


def record(one: Registration) -> models.Record:
    return models.Record.model_validate(_shown(one))


def view(found: Found, wall: float) -> models.View:
    now = {"expires_at": models.utc(wall + found.left), "late": found.late}
    return models.View.model_validate(_shown(found.registration) | now)


def _shown(one: Registration) -> dict[str, Any]:
    return {**vars(one), "registered_at": models.utc(one.registered_at)}


def listing(found: Iterable[Found], wall: float) -> Iterator[str]:
    """A `Registrations` in pieces, so that nobody who reads slowly keeps all of it waiting in memory."""
    piece, comma = '{"registrations":[', ""
    for one in found:
        piece += comma + view(one, wall).model_dump_json()
        comma = ","
        if len(piece) >= PIECE:
            yield piece
            piece = ""
    yield piece + "]}"


def events(news: follow.Snapshot | follow.Told) -> Iterator[Event]:
    """As server-sent events: mostly one; a large snapshot comes in parts, for the same reason."""
    if isinstance(news, follow.Snapshot):
        yield from _parts(news)
    else:
        shown = record(news.registration)
        told = models.Told(at=models.utc(news.at), registration=shown, instead_of=news.instead_of)
        yield Event(told.model_dump(mode="json"), news.kind, news.id)


def _parts(whole: follow.Snapshot) -> Iterator[Event]:
    """Only the last part has an id: who has not had it cannot resume after it."""
    part, size = models.Snapshot(part=1, more=True, registrations=[]), 0
    for one in whole.registrations:
        if size >= PIECE:
            yield Event(part.model_dump(mode="json"), "snapshot")
            part, size = models.Snapshot(part=part.part + 1, more=True, registrations=[]), 0
        shown = record(one)
        part.registrations.append(shown)
        size += len(shown.model_dump_json())
    part.more = False
    yield Event(part.model_dump(mode="json"), "snapshot", whole.id)
