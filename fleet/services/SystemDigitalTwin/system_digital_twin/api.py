"""The HTTP API. Everything is a read: nothing here changes the fleet."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from pydantic import AwareDatetime
from servicekit.web import Problem

from system_digital_twin import answers, models, views
from system_digital_twin.resolve import Contradiction
from system_digital_twin.series import LEVELS
from system_digital_twin.simulate import simulate
from system_digital_twin.turns import TooMany, Turns
from system_digital_twin.twin import Twin
from system_digital_twin.wishes import Question
from system_digital_twin.words import MACHINE_NAME

Name = Annotated[str, InPath(pattern=MACHINE_NAME)]
Metric = Annotated[str, Query(pattern=r"^[A-Za-z0-9_.]{1,100}$", description="GET /v1/machines/{name} lists them")]
Moment = AwareDatetime | None
LAST_SECONDS: Final = 600.0
OLDEST_SECONDS: Final = LEVELS[-1].keep


def routes(twin: Twin) -> APIRouter:
    router = APIRouter(prefix="/v1")
    turns = Turns()

    def known(name: str) -> None:
        if name not in twin.names():
            raise Problem(404, f"there is no machine {name}; there are: {', '.join(twin.names()) or 'none'}")

    @router.get("/machines", summary="All machines: what they are declared to have, what they have and use now")
    async def machines() -> models.Machines:
        return views.machines(twin)

    @router.get("/machines/{name}", summary="One machine, and the metrics that its history has")
    async def machine(name: Name) -> models.MachineWithMetrics:
        known(name)
        metrics = await asyncio.to_thread(twin.history.metrics, name)
        return models.MachineWithMetrics(**dict(views.machine(twin, name)), metrics=metrics)

    @router.get("/machines/{name}/history", summary="One metric over time: ten minutes when nothing else is asked")
    async def history(
        name: Name,
        metric: Metric,
        since: Annotated[Moment, Query(description="ten minutes before `until` when not given")] = None,
        until: Annotated[Moment, Query(description="now when not given")] = None,
        points: Annotated[int, Query(ge=2, le=1000, description="at most so many")] = 300,
    ) -> models.HistoryView:
        known(name)
        now = time.time()
        end = now if until is None else min(now, until.timestamp())
        begin = end - LAST_SECONDS if since is None else max(since.timestamp(), now - OLDEST_SECONDS)
        if begin >= end:
            raise Problem(422, "since must be before until and before now, until within the last thirty days")
        line = await asyncio.to_thread(twin.history.read, name, metric, begin, end, now, points)
        if not line.points:
            found = await asyncio.to_thread(twin.history.metrics, name)
            if metric not in found:
                raise Problem(404, f"{name} has no history of {metric}", metrics=found)
        return views.history(name, metric, begin, end, line)

    @router.post("/simulate", summary="Would it fit? Answers with every limit; nothing is changed")
    async def ask(question: Question) -> models.Simulation:
        declared = twin.declared
        if declared is None:
            raise Problem(503, f"what is declared cannot be read: {twin.file.problem}")
        sights = {name: twin.sight(name) for name in twin.names()}
        try:
            async with turns.turn():
                result = await asyncio.to_thread(simulate, question, declared, sights)
        except Contradiction as error:
            raise Problem(422, str(error)) from error
        except TooMany as error:
            raise Problem(503, "too many questions wait for their answers", {"Retry-After": "1"}) from error
        return answers.simulation(result, question.against, question.suggestions)

    return router
