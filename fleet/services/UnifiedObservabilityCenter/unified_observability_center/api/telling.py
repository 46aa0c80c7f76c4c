"""What instances and supervisors tell: start-up reports, SBOMs, events."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request, Response
from servicekit.web import Problem, require_token

from unified_observability_center import models, views
from unified_observability_center.api import asked
from unified_observability_center.center import Center
from unified_observability_center.clean import detail, line, value
from unified_observability_center.store import events
from unified_observability_center.store.sboms import Refused

TOKEN = [Depends(require_token)]
CYCLONEDX = "application/vnd.cyclonedx+json"
Events = Annotated[list[models.EventReport], Body(min_length=1, max_length=500)]


def routes(center: Center) -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.post("/startups", status_code=202, summary="An instance has started", dependencies=TOKEN)
    async def startup(report: models.StartupReport) -> models.StartupTaken:
        await asked.kept(center.started((report.machine, report.service), _kept(report)))
        wanted = report.sbom_digest is not None and report.sbom_digest not in center.sboms
        return models.StartupTaken(sbom_wanted=wanted)

    @router.put(
        "/sboms/{digest}",
        status_code=204,
        response_class=Response,
        summary="Keep an SBOM: the CycloneDX document of that digest",
        dependencies=TOKEN,
        openapi_extra={"requestBody": {"required": True, "content": {CYCLONEDX: {"schema": {"type": "object"}}}}},
    )
    async def keep_sbom(digest: asked.DigestPath, request: Request) -> None:
        body = await request.body()
        try:
            await asyncio.to_thread(center.sboms.keep, digest, body, center.used_sboms())
        except Refused as error:
            raise Problem(422, str(error)) from error
        except OSError as error:
            raise Problem(503, f"the SBOM cannot be kept now: {error.strerror}", {"Retry-After": "5"}) from error

    @router.get(
        "/sboms/{digest}",
        response_class=Response,
        summary="An SBOM, as it was sent",
        responses={200: {"content": {CYCLONEDX: {"schema": {"type": "object"}}}}},
    )
    async def sbom(digest: asked.DigestPath) -> Response:
        body = await asyncio.to_thread(center.sboms.read, digest)
        if body is None:
            raise Problem(404, "there is no SBOM of that digest here")
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "ETag": f'"{digest}"'}
        return Response(body, media_type=CYCLONEDX, headers=headers)

    @router.post("/events", status_code=202, summary="Something has happened to instances", dependencies=TOKEN)
    async def happened(reports: Events) -> models.EventsTaken:
        sent = [_sent(report) for report in reports]
        await asked.kept(center.happened(sent))
        return models.EventsTaken(accepted=len(sent))

    @router.get("/events", summary="What has happened, newest first")
    async def happenings(
        service: asked.Service = None,
        machine: asked.Machine = None,
        kind: asked.Kind = None,
        limit: asked.Limit = 100,
        cursor: asked.Cursor = None,
    ) -> models.EventList:
        wish = events.Wish(limit, machine, service, kind, cursor)
        found = await asked.kept(center.database.read(lambda connection: events.find(connection, wish)))
        return models.EventList(
            events=[views.event(one) for one in found], next=found[-1].id if len(found) == limit else None
        )

    return router


def _kept(report: models.StartupReport) -> dict[str, object]:
    texts = ("service", "machine", "git_sha", "tag", "input_digest", "family")
    return {
        **{name: line(getattr(report, name)) for name in texts},
        "sbom_digest": report.sbom_digest,
        "profile": value(report.profile),
        "port": report.port,
        "health_port": report.health_port,
        "started_at": report.started_at.timestamp(),
    }


def _sent(report: models.EventReport) -> events.Sent:
    return events.Sent(report.kind, report.machine, report.service, report.at.timestamp(), detail(report.detail))
