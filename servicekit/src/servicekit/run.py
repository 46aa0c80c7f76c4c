"""From the surroundings of the process to a running service."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from pathlib import Path
from typing import Final

from servicekit import logs
from servicekit.beside import Beside, leave
from servicekit.errors import Misconfigured
from servicekit.facts import Facts
from servicekit.health import HealthPort
from servicekit.process import Serving, application, serve
from servicekit.profile import export
from servicekit.reports import Reports
from servicekit.service import Service
from servicekit.settings import Settings, load
from servicekit.sockets import bound

log: Final = logging.getLogger("servicekit")


def main(arguments: list[str]) -> None:
    """Ends the process: 0 after SIGTERM, 2 when the surroundings are wrong, 1 when the service is."""
    folder = Path.cwd()
    stream = sys.stderr if arguments == ["openapi"] else sys.stdout
    logs.configure(folder.name, "", stream)
    try:
        settings = load(folder, os.environ)
        logs.configure(str(settings.build["service"]), str(settings.build["machine"]), stream)
        export(settings.profile, os.environ)
        code = run(settings, arguments)
    except Misconfigured as error:
        log.error(str(error))  # one clear line; there is nothing to trace
        code = 2
    except BaseException:
        log.exception("the service does not start")
        code = 1
    leave(code)


def run(settings: Settings, arguments: list[str]) -> int:
    if arguments == ["openapi"]:
        return describe(settings)
    if arguments[:1] == ["worker"]:
        from servicekit.workers.worker import work

        return work(settings, *map(int, arguments[1:]))
    if arguments:
        raise Misconfigured(f"unknown argument {arguments[0]!r}; there are none, and openapi")
    if settings.workers > 1:
        from servicekit.workers.parent import supervise

        return supervise(settings)
    return alone(settings)


class Alone(Serving):
    """The only process of its instance."""

    def __init__(self, health: socket.socket) -> None:
        self._health = health
        self.reports: Reports | None = None

    async def open(self, facts: Facts, beside: Beside) -> None:  # noqa: ARG002 - a worker needs it
        await HealthPort(facts).serve(self._health)

    def started(self, service: Service) -> None:
        self.reports = Reports(service, service.capabilities)

    def stopping(self) -> None:
        if self.reports is not None:
            self.reports.end()


def alone(settings: Settings) -> int:
    """One worker: this process."""
    health, sock = (bound(settings.bind, int(settings.build[key])) for key in ("health_port", "port"))
    serving = Alone(health)
    code = serve(settings, sock, serving)
    if serving.reports is not None:
        serving.reports.join()
    return code


def describe(settings: Settings) -> int:
    """Prints the application's OpenAPI description. Nothing is started."""
    described = application(Service(settings)).openapi()
    sys.stdout.write(json.dumps(described, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    return 0
