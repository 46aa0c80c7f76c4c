"""What runs where, since when, from which commit, and whether that is what was released."""

from __future__ import annotations

from fastapi import APIRouter, Response
from servicekit.web import Problem

from unified_observability_center import measures, models, views
from unified_observability_center import overview_models as shown
from unified_observability_center.api import asked
from unified_observability_center.center import Center
from unified_observability_center.overview import Overview
from unified_observability_center.store import events, transitions

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
RECENT = 50


def routes(center: Center, overview: Overview) -> APIRouter:
    router = APIRouter()

    @router.get("/v1/instances", summary="What runs where, since when, from which commit, and does it match")
    async def instances() -> models.Instances:
        return views.instances(center)

    @router.get("/v1/instances/{machine}/{service}", summary="One instance, with its latest transitions and events")
    async def instance(machine: asked.MachinePath, service: asked.ServicePath) -> models.InstanceWithPast:
        key = machine, service
        if not views.known(center, key):
            raise Problem(404, f"{service} on {machine} is neither desired nor has it reported")
        await asked.kept(center.journal.flush())
        wish, other = transitions.Wish(RECENT, machine, service), events.Wish(RECENT, machine, service)
        changes = await asked.kept(center.database.read(lambda connection: transitions.find(connection, wish)))
        happened = await asked.kept(center.database.read(lambda connection: events.find(connection, other)))
        return models.InstanceWithPast(
            **dict(views.instance(center, views.seen(center, key))),
            transitions=[views.transition(one) for one in changes],
            events=[views.event(one) for one in happened],
        )

    @router.get("/v1/transitions", summary="What changed with the instances, newest first")
    async def changes(
        service: asked.Service = None,
        machine: asked.Machine = None,
        limit: asked.Limit = 100,
        cursor: asked.Cursor = None,
    ) -> models.TransitionList:
        await asked.kept(center.journal.flush())
        wish = transitions.Wish(limit, machine, service, cursor)
        found = await asked.kept(center.database.read(lambda connection: transitions.find(connection, wish)))
        return models.TransitionList(
            transitions=[views.transition(one) for one in found], next=found[-1].id if len(found) == limit else None
        )

    @router.get("/v1/overview", summary="Everything that the status page shows")
    async def whole() -> shown.Overview:
        return await overview.read()

    @router.get("/v1/prometheus/targets", summary="The instances' health ports, for Prometheus' HTTP service discovery")
    async def targets() -> list[models.TargetGroup]:
        return [_target(one) for one in views.desired(center)]

    @router.get(
        "/metrics",
        response_class=Response,
        summary="The fleet as Prometheus reads it",
        responses={200: {"content": {PROMETHEUS: {"schema": {"type": "string"}}}}},
    )
    async def metrics() -> Response:
        return Response(measures.text(center), media_type=PROMETHEUS)

    return router


def _target(one: views.Seen) -> models.TargetGroup:
    assert one.sight is not None  # noqa: S101 - desired instances are followed
    row = one.sight.wanted
    labels = {
        "service": row.service,
        "machine": row.machine,
        "family": row.facts.get("family", ""),
        "phase": row.facts.get("phase", ""),
    }
    return models.TargetGroup(targets=[f"{row.address}:{row.health_port}"], labels=labels)
