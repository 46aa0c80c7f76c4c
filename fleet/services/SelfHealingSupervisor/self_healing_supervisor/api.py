"""The HTTP API. Reads are open; what changes something asks for the fleet's token."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi import Path as InPath
from servicekit.web import Problem, require_token

from self_healing_supervisor import models, views
from self_healing_supervisor.follow.follower import Follower
from self_healing_supervisor.holds import Hold
from self_healing_supervisor.keeping import Keeping
from self_healing_supervisor.machine import MachineFacts
from self_healing_supervisor.sight import Sight
from self_healing_supervisor.supervisor import Supervisor
from self_healing_supervisor.words import SERVICE_NAME

Service = Annotated[str, InPath(pattern=f"^{SERVICE_NAME.pattern}$")]
FailedName = Annotated[str, InPath(pattern=r"^[0-9A-Za-z_.=@-]{1,300}$")]
EvidenceId = Annotated[str, InPath(pattern=r"^[0-9A-Za-z.-]{1,120}$")]


def routes(supervisor: Supervisor, follower: Follower, keeping: Keeping, machine: MachineFacts) -> APIRouter:
    router = APIRouter(prefix="/v1")

    def sight(service: str) -> Sight:
        found = supervisor.world.treated().get(service)
        if found is None:
            raise Problem(404, f"{service} is not an instance that is healed here")
        return found

    @router.get("/instances", summary="All instances of this machine as they are watched")
    async def instances() -> models.Instances:
        return views.instances(supervisor)

    @router.get("/instances/{service}", summary="One instance as it is watched")
    async def instance(service: Service) -> models.InstanceView:
        return views.instance(supervisor, sight(service))

    @router.get("/holds", summary="Instances that are left alone")
    async def holds() -> list[models.HoldView]:
        return [views.hold(name, one) for name, one in sorted(supervisor.holds.all().items())]

    @router.put("/holds/{service}", summary="Leave an instance alone", dependencies=[Depends(require_token)])
    async def hold(service: Service, wish: models.HoldWish) -> models.HoldView:
        sight(service)
        now = time.time()
        until = None if wish.until is None else wish.until.timestamp()
        if until is not None and until <= now:
            raise Problem(422, "until lies in the past")
        supervisor.holds.put(service, Hold(wish.why, "api", now, until))
        await _kept(keeping)
        supervisor.tell("held", service, {"why": wish.why})
        supervisor.nudge()
        return views.hold(service, Hold(wish.why, "api", now, until))

    @router.delete(
        "/holds/{service}",
        status_code=204,
        response_class=Response,
        summary="Heal an instance again, with a clean slate",
        dependencies=[Depends(require_token)],
    )
    async def lift(service: Service) -> None:
        found = supervisor.holds.lift(service)
        if found is None:
            raise Problem(404, f"{service} is not held")
        await _kept(keeping)
        supervisor.tell("hold_ended", service, {"why": "lifted"})
        supervisor.nudge()

    @router.get("/evidence", summary="What was seen before each act, newest first")
    async def evidence(
        service: Annotated[str | None, Query(pattern=f"^{SERVICE_NAME.pattern}$")] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> models.EvidenceList:
        return models.EvidenceList.model_validate({"evidence": supervisor.evidence.heads(service, limit)})

    @router.get("/evidence/{id}", summary="One piece of evidence with logs and health answers")
    async def one_evidence(id: EvidenceId) -> models.EvidenceView:
        found = await asyncio.to_thread(supervisor.evidence.read, id)
        if found is None:
            raise Problem(404, "there is no such evidence")
        return models.EvidenceView.model_validate(found)

    @router.get("/follow", summary="Which release this machine is at, what is tried, and what failed")
    async def follow() -> models.FollowView:
        return views.follow(supervisor, follower)

    @router.delete(
        "/follow/failed/{name}",
        status_code=204,
        response_class=Response,
        summary="Let something be tried again that could not hold",
        dependencies=[Depends(require_token)],
    )
    async def forgive(name: FailedName) -> None:
        try:
            if not follower.forgive(name):
                raise Problem(404, f"{name} did not fail here")
        except OSError as error:
            raise Problem(500, f"it cannot be written down: {error.strerror}") from error

    @router.get("/machine", summary="The host, its cards, and what each instance uses")
    async def read_machine() -> models.Machine:
        return models.Machine.model_validate(await machine.read())

    return router


async def _kept(keeping: Keeping) -> None:
    try:
        await keeping.keep_holds()
    except OSError as error:
        raise Problem(500, f"the hold cannot be written down: {error.strerror}") from error
