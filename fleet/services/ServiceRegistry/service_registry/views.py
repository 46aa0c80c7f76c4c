"""What the registry knows, as the API shows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from servicekit.sse import Event

from service_registry import models
from service_registry.core import follow
from service_registry.core.query import Found
from service_registry.core.registration import Registration


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


def views(found: Iterable[Found], wall: float) -> list[models.View]:
    return [view(one, wall) for one in found]


def event(one: follow.Snapshot | follow.Told) -> Event:
    """As a server-sent event."""
    shown: models.Snapshot | models.Told
    if isinstance(one, follow.Snapshot):
        kind, shown = "snapshot", models.Snapshot(registrations=[record(each) for each in one.registrations])
    else:
        kind = str(one.kind)
        shown = models.Told(at=models.utc(one.at), registration=record(one.registration), instead_of=one.instead_of)
    return Event(shown.model_dump(mode="json"), kind, one.id)
