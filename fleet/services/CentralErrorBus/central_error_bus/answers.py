"""What goes wrong between the API and the store, as problems."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from servicekit.web import Problem

from central_error_bus.bus import Bus
from central_error_bus.measures import Measures
from central_error_bus.queue import Closed, Full
from central_error_bus.readers import Busy, Question, TooLong
from central_error_bus.writer import Unwritable

REFUSALS: Final = {
    Full: ("full", "too much waits to be written", "1"),
    Closed: ("stopping", "the service stops", "5"),
    Unwritable: ("unwritable", "the store cannot be written", "5"),
}
Found = TypeVar("Found")


async def taken(bus: Bus, writing: Awaitable[Found]) -> Found:
    """Raises Problem when nothing was written down: whoever sent it sends it again later."""
    try:
        return await writing
    except (Full, Closed, Unwritable) as error:
        why, says, seconds = REFUSALS[type(error)]
        bus.measures.rejected.labels(why).inc()
        raise Problem(503, f"{says}; nothing of this request is kept", {"Retry-After": seconds}) from error


async def found(bus: Bus, question: Question[Found]) -> Found:
    """Raises Problem when the store cannot be asked."""
    try:
        return await bus.readers.ask(question)
    except Busy as error:
        raise Problem(503, "too many questions at once", {"Retry-After": "1"}) from error
    except TooLong as error:
        raise Problem(503, "the question takes too long; narrow it", {"Retry-After": "5"}) from error
    except (sqlite3.Error, OSError) as error:
        bus.log.error("the store could not be asked", exc_info=error)
        raise Problem(503, "the store cannot be read", {"Retry-After": "5"}) from error


class Counted(APIRoute):
    """Counts the errors that were not taken because they do not fit their description."""

    measures: Measures

    @classmethod
    def by(cls, measures: Measures) -> type[APIRoute]:
        return type("Counted", (cls,), {"measures": measures})

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def counting(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError:
                if request.method == "POST":
                    self.measures.rejected.labels("invalid").inc()
                raise

        return counting
