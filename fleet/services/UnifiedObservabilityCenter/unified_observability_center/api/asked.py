"""Parameters that several questions share, and the answer when the store fails."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, TypeVar

from fastapi import Path, Query
from servicekit.web import Problem

from unified_observability_center.store.database import Unavailable
from unified_observability_center.words import DIGEST, KIND, MACHINE_NAME, SERVICE_NAME

T = TypeVar("T")

ServicePath = Annotated[str, Path(pattern=f"^{SERVICE_NAME}$")]
MachinePath = Annotated[str, Path(pattern=f"^{MACHINE_NAME}$")]
DigestPath = Annotated[str, Path(pattern=f"^{DIGEST}$")]
Service = Annotated[str | None, Query(pattern=f"^{SERVICE_NAME}$")]
Machine = Annotated[str | None, Query(pattern=f"^{MACHINE_NAME}$")]
Kind = Annotated[str | None, Query(pattern=f"^{KIND}$")]
Limit = Annotated[int, Query(ge=1, le=500)]
Cursor = Annotated[int | None, Query(ge=1, lt=2**63, description="`next` of the page before")]


async def kept(what: Awaitable[T]) -> T:
    """503, so that whoever tells us something tells it again."""
    try:
        return await what
    except Unavailable as error:
        raise Problem(503, f"the store cannot be used now: {error}", {"Retry-After": "5"}) from error
