"""From the surroundings of the process to a running service."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from pathlib import Path
from typing import Any

import servicekit
from servicekit import logs
from servicekit.errors import Misconfigured
from servicekit.facts import Facts
from servicekit.probe import Probe
from servicekit.profile import export
from servicekit.runner import Beside, bind, leave
from servicekit.service import Service
from servicekit.settings import Settings, load

log = logging.getLogger("servicekit")


def main() -> None:
    folder = Path.cwd()
    logs.configure(os.environ.get("DOCKWRIGHT_SERVICE", folder.name), "")
    try:
        settings = load(folder, os.environ)
        logs.configure(str(settings.build["service"]), str(settings.build["machine"]))
        export(settings.profile, os.environ)
        one(settings)
    except Misconfigured as error:
        log.error(str(error))
        leave(2)
    except Exception:
        log.exception("the service does not start")
        leave(1)
    leave(0)


def one(settings: Settings) -> None:
    """Runs the service in this process."""
    service = Service(settings)
    for name in settings.spec.secrets:
        service.secret(name)
    probe = Probe(service)
    beside = Beside(probe, Facts(probe, servicekit.VERSION), _bound(settings, service.health_port))
    sock = _bound(settings, service.port)
    beside.start()
    app = make(service)
    # Imported late: until here a parent of several workers needs none of it.
    from servicekit.server import Server
    from servicekit.server import settings as served

    websockets = bool(getattr(getattr(app, "state", None), "websockets", False))
    server = Server(served(app, websockets, settings.spec.max_body_kb * 1024), probe, lambda: None)
    try:
        beside.serve(server, sock)
    except SystemExit:
        leave(2 if isinstance(service.failed, Misconfigured) else 1)


def make(service: Service) -> Any:
    """The application, from the factory that service.toml names."""
    module, _, factory = service.settings.spec.entry.partition(":")
    sys.path.insert(0, str(service.settings.folder))
    create = getattr(importlib.import_module(module), factory, None)
    if not callable(create):
        raise Misconfigured(f"service.toml: {module} has no function {factory}")
    return create(service)


def _bound(settings: Settings, port: int) -> Any:
    try:
        return bind(settings.bind, port)
    except OSError as error:
        raise Misconfigured(f"cannot listen on {settings.bind}:{port}: {error.strerror or error}") from error
