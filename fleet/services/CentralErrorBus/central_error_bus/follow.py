"""Errors as they come, for whoever listens: from memory while they keep up, from the store when they are behind."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from central_error_bus.core.filters import Filter
from central_error_bus.core.record import Kept
from central_error_bus.readers import Busy, Readers, TooLong
from central_error_bus.recent import Place, Recent
from central_error_bus.store import reading

QUIET_SECONDS: Final = 10.0
AGAIN_SECONDS: Final = 0.5  # after the store could not be asked
PAGE: Final = 200
STRIDE: Final = 1_000  # errors passed over after which a listener is told where it is


@dataclass(frozen=True, slots=True)
class Lost:
    """Between `after` and `up_to` errors have been removed to make room, or the store was begun anew."""

    after: Place
    up_to: Place


@dataclass(frozen=True, slots=True)
class Step:
    """`place` is what to come back with. Without news it says how far errors that are not wanted were passed over."""

    place: Place
    news: Kept | Lost | None = None


async def follow(recent: Recent, readers: Readers, wanted: Filter, place: Place | None) -> AsyncGenerator[Step, None]:
    """Every error after `place` that is wanted, once and in order, without end; from now on when `place` is None."""
    place = sent = recent.newest if place is None else place
    told = Place("", 0)
    yield Step(place)  # who is cut off before the first error knows where it was
    while True:
        newest = recent.newest
        if place.store != newest.store or place.number > newest.number:
            begin = Place(newest.store, 0 if place.store != newest.store else newest.number)
            yield Step(begin, Lost(place, begin))
            place = begin
        found = recent.after(place)
        if found is None:
            errors, reached, lost = await _from_store(readers, wanted, place, newest)
            if lost > place and lost != told:
                yield Step(place, Lost(place, lost))
                told = lost
        else:
            errors, reached = [one for one in found if wanted.fits(one)], newest
        for one in errors:
            sent = Place(newest.store, one.number)
            yield Step(sent, one)
        place = reached
        if place.store != sent.store or place.number - sent.number >= STRIDE:
            sent = place
            yield Step(place)
        if place == recent.newest and not await recent.more(QUIET_SECONDS) and place != sent:
            sent = place
            yield Step(place)


async def _from_store(readers: Readers, wanted: Filter, place: Place, newest: Place) -> tuple[list[Kept], Place, Place]:
    """A page of errors, how far it reaches, and up to where some may be missing."""

    def question(store: sqlite3.Connection) -> tuple[list[Kept], int, int]:
        return *reading.after(store, wanted, place.number, newest.number, PAGE), reading.lost_up_to(store)

    try:
        errors, reached, lost = await readers.ask(question)
    except (Busy, TooLong, sqlite3.Error, OSError):
        await asyncio.sleep(AGAIN_SECONDS)
        return [], place, Place(newest.store, 0)
    return errors, Place(newest.store, reached), Place(newest.store, lost)
