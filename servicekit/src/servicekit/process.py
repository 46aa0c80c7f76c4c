"""One process that serves: the service's loop in the main thread, the thread beside it, the reports."""

from __future__ import annotations

import importlib
import socket
import sys
from typing import Any

from servicekit.beside import Beside
from servicekit.errors import Misconfigured
from servicekit.facts import Facts
from servicekit.probe import Probe
from servicekit.reports.errors import ErrorReports
from servicekit.service import Service
from servicekit.settings import Settings


class Serving:
    """What a process does besides serving; the parts of a worker are empty."""

    async def open(self, facts: Facts, beside: Beside) -> None:
        """Opens what is answered from beside the loop."""

    def started(self, service: Service) -> None:
        """Requests are taken."""

    def stopping(self) -> None:
        """None are taken any more; some are still answered. Must be quick."""


def serve(settings: Settings, sock: socket.socket, serving: Serving) -> int:
    """Runs the service on `sock` until it has stopped, and returns the exit code. Raises what the factory raises."""
    service = Service(settings)
    for name in settings.spec.secrets:
        service.secret(name)
    probe = Probe(service)
    beside = Beside(probe)
    beside.start(serving.open(Facts(probe), beside))
    errors = ErrorReports.attach(service)
    try:
        return _served(service, probe, beside, sock, serving)
    except Exception as error:
        if not isinstance(error, Misconfigured):
            service.report_error(error, when="start")
        raise
    finally:
        if errors is not None:
            errors.finish()


def _served(service: Service, probe: Probe, beside: Beside, sock: socket.socket, serving: Serving) -> int:
    app = application(service)
    from servicekit.server import Server  # late: a parent of several workers needs none of it

    server = Server(app, probe, lambda: serving.started(service), serving.stopping)
    beside.stop_service = server.stop
    try:
        server.run_until_stopped(sock)
    except SystemExit:  # the application did not start
        if isinstance(service.failed, Misconfigured):
            return 2
        service.report_error(service.failed or "the application does not start", when="start")
        return 1
    return 0


def application(service: Service) -> Any:
    """What the factory makes that service.toml names."""
    module, _, factory = service.settings.spec.entry.partition(":")
    sys.path.insert(0, str(service.settings.folder))
    create = getattr(importlib.import_module(module), factory, None)
    if not callable(create):
        raise Misconfigured(f"service.toml: {module} has no function {factory}")
    return create(service)
