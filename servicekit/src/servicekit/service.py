"""What a service's factory is given: facts about itself, its peers, and the hooks into its life."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry

from servicekit.errors import Misconfigured
from servicekit.peers import Peers
from servicekit.settings import Settings, read_file

FLEET_TOKEN: Final = "fleet-token"  # noqa: S105 - the name of a file
SECRET_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

Check = Callable[[], None]
Hook = Callable[[], Awaitable[None]]
Report = Callable[["BaseException | str", Mapping[str, Any]], None]


class Service:
    """One instance. Made once in each process; safe to use before any server runs."""

    def __init__(self, settings: Settings) -> None:
        self.settings: Final = settings
        build = settings.build
        self.name: Final = str(build["service"])
        self.machine: Final = str(build["machine"])
        self.port: Final = int(build["port"])
        self.health_port: Final = int(build["health_port"])
        self.build: Final[Mapping[str, Any]] = build
        self.profile: Final = settings.profile
        self.state_dir: Final[Path] = settings.state_dir
        self.run_dir: Final[Path] = settings.run_dir
        self.log: Final = logging.getLogger(self.name)
        self.metrics: Final = CollectorRegistry()
        self.peers: Final = Peers(settings.peers, self.machine, self._token)
        self.stopping: Final = asyncio.Event()  # set, in the event loop, as soon as the service shall stop
        self.started_at: Final = datetime.fromtimestamp(time.time(), timezone.utc).isoformat(timespec="milliseconds")
        self.checks: Final[dict[str, Check]] = {}
        self.facts: Final[dict[str, Any]] = {}
        self.capabilities: Final[set[str]] = set()
        self.start_hooks: Final[list[Hook]] = []
        self.stop_hooks: Final[list[Hook]] = []
        self.streams = 0  # server-sent event streams that are open
        self.failed: BaseException | None = None  # why the start failed
        self.reporter: Report | None = None  # set by the runtime when CentralErrorBus is a peer

    def secret(self, name: str) -> str:
        """Read anew at each call, so that a rotated secret is seen. Raises Misconfigured."""
        if not SECRET_NAME.fullmatch(name):
            raise Misconfigured(f"not the name of a secret: {name!r}")
        path = self.settings.secrets_dir / name
        try:
            found = read_file(path).decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise Misconfigured(f"{path}: the secret is not a text") from error
        if not found:
            raise Misconfigured(f"{path}: the secret is empty")
        return found

    def _token(self) -> str:
        """The fleet's token, or nothing when this service was not given it."""
        try:
            return self.secret(FLEET_TOKEN)
        except Misconfigured:
            return ""

    def check(self, name: str, fn: Check) -> None:
        """`fn` raises Unhealthy("why") while the service cannot work. It runs on the event loop and must be quick."""
        if name in self.checks:
            raise ValueError(f"there is a check {name} already")
        self.checks[name] = fn

    def on_start(self, fn: Hook) -> None:
        """Awaited in order before the first request is taken; what it raises ends the process."""
        self.start_hooks.append(fn)

    def on_stop(self, fn: Hook) -> None:
        """Awaited in reverse order after the last request, with about three seconds for all of them."""
        self.stop_hooks.append(fn)

    def info(self, key: str, value: Any) -> None:
        """A fact of the service's own for /info, such as ("engine", "llama.cpp 0.2.1"). JSON values only."""
        self.facts[key] = value

    def offer(self, *capabilities: str) -> None:
        """Capabilities under which ServiceRegistry lists this instance."""
        self.capabilities.update(capabilities)

    def report_error(self, error: BaseException | str, **context: Any) -> None:
        """To CentralErrorBus, in the background; never raises, never waits. Also from other threads."""
        if self.reporter is not None:
            self.reporter(error, context)
