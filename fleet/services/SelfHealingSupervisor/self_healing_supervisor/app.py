"""The service: the supervisor's tasks in the application's loop, the API over them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from typing import Any, Final

from fastapi import FastAPI
from servicekit.web import create_app

from self_healing_supervisor import words
from self_healing_supervisor.api import routes
from self_healing_supervisor.follow.follower import Follower
from self_healing_supervisor.follow.forced import VARIABLE
from self_healing_supervisor.keeping import Keeping
from self_healing_supervisor.machine import MachineFacts
from self_healing_supervisor.measures import Measures
from self_healing_supervisor.neighbours import Neighbours
from self_healing_supervisor.stats import Stats
from self_healing_supervisor.supervisor import Supervisor
from self_healing_supervisor.telling import Telling
from servicekit import Service, Unhealthy

OBSERVER: Final = "UnifiedObservabilityCenter"
BLIND_SECONDS: Final = 15.0


def create(service: Service) -> FastAPI:
    log = service.log

    def send(events: Sequence[dict[str, Any]]) -> None:
        answer = service.peers.call(OBSERVER, "POST", "/v1/events", json=list(events), timeout=5.0)
        if answer.status >= 300:
            raise RuntimeError(f"{OBSERVER} answers {answer.status}")

    telling = Telling(send, log)
    supervisor = Supervisor(service.name, words.filter_socket(), service.state_dir, service.run_dir, telling.tell, log)
    keeping = Keeping(supervisor, service.state_dir, log)
    follower = Follower(supervisor, service.state_dir, os.environ.get(VARIABLE, ""), log)
    machine = MachineFacts(supervisor.world, Stats(supervisor.docker), service.state_dir)
    neighbours = Neighbours(elsewhere(service), lambda kind, detail: supervisor.tell(kind, service.name, detail))
    tasks: list[asyncio.Task[None]] = []

    async def start() -> None:
        await asyncio.to_thread(keeping.load)
        await supervisor.reread()  # before events come: they are taken by those who are known
        await asyncio.to_thread(follower.load)
        runs = (
            supervisor.watch.run(),
            supervisor.watch.rounds(),
            supervisor.pulse(),
            follower.run(),
            keeping.run(),
            telling.run(),
            neighbours.run(),
        )
        tasks.extend(asyncio.create_task(run) for run in runs)

    async def stop() -> None:
        supervisor.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def engine() -> None:
        watch = supervisor.watch
        if watch.connected_at is None and time.monotonic() - watch.lost_at > BLIND_SECONDS:
            raise Unhealthy(f"no events from the engine: {watch.problem}")

    def desired() -> None:
        if supervisor.desired.problem and time.monotonic() - supervisor.began > BLIND_SECONDS:
            raise Unhealthy(f"what is desired cannot be read: {supervisor.desired.problem}")

    def running() -> None:
        for task in tasks:
            if task.done():
                raise Unhealthy(f"a task of the supervisor has ended: {task.get_name()}")

    for name, check in (("engine", engine), ("desired", desired), ("tasks", running)):
        service.check(name, check)
    service.on_start(start)
    service.on_stop(stop)
    service.metrics.register(Measures(supervisor, follower, telling))
    app = create_app(service, title="SelfHealingSupervisor", version="1")
    app.include_router(routes(supervisor, follower, keeping, machine))
    return app


def elsewhere(service: Service) -> dict[str, str]:
    """The other machines, by where each one's observer answers."""
    machines = service.peers.machines(OBSERVER) if OBSERVER in service.peers else ()
    return {name: service.peers.health_url(OBSERVER, name) for name in machines if name != service.machine}
