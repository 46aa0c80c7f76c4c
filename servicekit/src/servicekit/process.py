"""One process that serves: the service's loop in the main thread, the thread beside it, the reports."""

from __future__ import annotations

import importlib
import logging
import socket
import sys
from typing import Any, Final

from servicekit.beside import Beside
from servicekit.errors import Misconfigured
from servicekit.facts import Facts
from servicekit.probe import Probe
from servicekit.reports.errors import ErrorReports
from servicekit.service import Service
from servicekit.settings import Settings

log: Final = logging.getLogger("servicekit")

FAREWELL_SECONDS: Final = 1.0


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
    app = application(service)
    from servicekit.server import Server  # late: a parent of several workers needs none of it

    server = Server(app, probe, lambda: serving.started(service), serving.stopping)
    beside.stop_service = server.stop
    try:
        server.run_until_stopped(sock)
    except SystemExit:
        return 2 if isinstance(service.failed, Misconfigured) else 1
    finally:
        if errors is not None and errors.is_alive():
            errors.close()
            errors.join(FAREWELL_SECONDS)
    return 0


def application(service: Service) -> Any:
    """What the factory makes that service.toml names."""
    module, _, factory = service.settings.spec.entry.partition(":")
    sys.path.insert(0, str(service.settings.folder))
    create = getattr(importlib.import_module(module), factory, None)
    if not callable(create):
        raise Misconfigured(f"service.toml: {module} has no function {factory}")
    return create(service)
