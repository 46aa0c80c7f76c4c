"""What may be asked for in an address, and what it means."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query
from servicekit.web import Problem

from central_error_bus import models
from central_error_bus.core import words
from central_error_bus.core.filters import Filter
from central_error_bus.recent import Place
from central_error_bus.store.groups import GroupSearch
from central_error_bus.store.reading import Search

ANY: Final = "one of these; any when not given"

Names = Annotated[list[models.Name], Query(default_factory=list, max_length=20, description=ANY)]
Kinds = Annotated[
    list[Annotated[str, Query(min_length=1, max_length=models.KIND, pattern=r"^[^\x00]+$")]],
    Query(default_factory=list, max_length=20, description=ANY),
]
Levels = Annotated[list[models.Level], Query(default_factory=list, max_length=5, description=ANY)]
Text = Annotated[
    str | None,
    Query(
        max_length=words.QUESTION,
        pattern=r"[^\W_]",
        description='words that all occur in kind, message or trace; "a phrase" in quotes; begin* for a beginning',
    ),
]
GroupIds = Annotated[
    list[Annotated[str, Query(pattern=models.GROUP)]], Query(default_factory=list, max_length=20, description=ANY)
]
OpenedOnes = Annotated[
    list[models.Opened],
    Query(default_factory=list, max_length=2, description="only errors that opened a group, or opened it again"),
]
Since = Annotated[models.Moment | None, Query(description="from this moment on")]
Until = Annotated[models.Moment | None, Query(description="before this moment")]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="`cursor` of the page before")]
States = Annotated[list[models.State], Query(default_factory=list, max_length=2, description=ANY)]


def filtered(
    service: Names,
    machine: Names,
    level: Levels,
    kind: Kinds,
    group: GroupIds,
    opened: OpenedOnes,
    q: Text = None,
) -> Filter:
    """The filters of searching and of listening."""
    sought = None if q is None else words.parse(q)
    if q is not None and sought is None:
        raise Problem(422, "q holds no word to look for")
    return Filter(tuple(service), tuple(machine), tuple(level), tuple(kind), tuple(group), tuple(opened), sought)


def search(wanted: Filter, since: Since, until: Until, limit: int, cursor: str | None) -> Search:
    return Search(
        wanted,
        None if since is None else models.micros(since),
        None if until is None else models.micros(until),
        _before(cursor),
        limit,
    )


def groups(
    state: States,
    service: Names,
    machine: Names,
    kind: Kinds,
    since: Since = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> GroupSearch:
    moment = None if since is None else models.micros(since)
    return GroupSearch(tuple(state), tuple(service), tuple(kind), tuple(machine), moment, _before(cursor), limit)


def _before(cursor: str | None) -> int:
    return 2**62 if cursor is None else int(cursor)


def place(text: str | None) -> Place | None:
    """Raises Problem."""
    if text is None:
        return None
    store, sign, number = text.partition("-")
    if not sign or len(store) != 8 or not number.isdecimal() or len(number) > 18:
        raise Problem(422, "Last-Event-ID is not an id of this stream")
    return Place(store, int(number))
