"""The service: polls in the application's loop, the API over the model."""

from __future__ import annotations

import time
from typing import Any, Final

from fastapi import FastAPI
from servicekit.web import create_app

from servicekit import Service, Unanswered, UndeclaredPeer, Unhealthy
from system_digital_twin.api import routes
from system_digital_twin.measures import Measures
from system_digital_twin.polling import Polling
from system_digital_twin.twin import Twin

SUPERVISOR: Final = "SelfHealingSupervisor"
BLIND_SECONDS: Final = 15.0
UNWRITTEN_SECONDS: Final = 300.0


def create(service: Service) -> FastAPI:
    try:
        machines = service.peers.machines(SUPERVISOR)
    except UndeclaredPeer:  # none has an address here: the twin then knows what is declared, and says so
        machines = ()
    twin = Twin(machines, service.run_dir, service.state_dir)

    def ask(machine: str) -> Any:
        answer = service.peers.call(SUPERVISOR, "GET", "/v1/machine", machine=machine, timeout=4.0)
        if answer.status != 200:
            raise Unanswered(f"{SUPERVISOR} answers {answer.status}")
        return answer.json()

    def tell() -> None:
        service.info("machines", {name: twin.sight(name).state for name in twin.names()})
        service.info("warnings", twin.warnings())

    polling = Polling(twin, ask, tell, service.report_error, service.log)

    def desired() -> None:
        if twin.file.problem and time.monotonic() - twin.began > BLIND_SECONDS:
            raise Unhealthy(f"what is desired cannot be read: {twin.file.problem}")

    def turning() -> None:
        stuck = polling.stuck()
        if stuck:
            raise Unhealthy(f"no longer polled: {stuck}")

    def history() -> None:
        if twin.history.unwritten_for() > UNWRITTEN_SECONDS:
            raise Unhealthy(f"the history cannot be written: {twin.history.problem}")

    for name, check in (("desired", desired), ("polling", turning), ("history", history)):
        service.check(name, check)
    service.on_start(polling.start)
    service.on_stop(polling.stop)
    service.metrics.register(Measures(twin))
    app = create_app(service, title="SystemDigitalTwin", version="1")
    app.include_router(routes(twin))
    return app
