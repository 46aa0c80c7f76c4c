"""The parent of several workers: answers the health port for them, replaces those that die, stops all together."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from typing import Any, Final

from servicekit import facts
from servicekit.health import HealthPort
from servicekit.probe import Reasons, reason
from servicekit.reports import Reports
from servicekit.reports.errors import ErrorReports
from servicekit.service import Service
from servicekit.settings import Settings
from servicekit.sockets import bound
from servicekit.workers.link import Gone
from servicekit.workers.pool import Place
from servicekit.workers.sums import summed

ASK_SECONDS: Final = 1.8
STOP_SECONDS: Final = 9.3  # after the workers' own deadline, before that of whoever stops the container
LOOK_SECONDS: Final = 0.5

log: Final = logging.getLogger(__name__)


def supervise(settings: Settings) -> int:
    """Runs the workers until SIGTERM, and returns the exit code."""
    service = Service(settings)
    health, sock = (bound(settings.bind, port) for port in (service.health_port, service.port))
    sock.listen(511)
    return asyncio.run(Parent(service, sock).run(health))


class Parent:
    """Implements health.Told."""

    def __init__(self, service: Service, sock: socket.socket) -> None:
        self._service = service
        self._sock = sock
        self._errors = ErrorReports.attach(service)
        self._places = [Place(number, sock, service) for number in range(service.settings.workers)]
        self._reports: Reports | None = None
        self._stopping = False

    async def run(self, health: socket.socket) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        server = await HealthPort(self).serve(health)
        begin = asyncio.create_task(self._begin())
        keeping = [asyncio.create_task(place.keep()) for place in self._places]
        for done in asyncio.as_completed(keeping):
            await done
            self.stop()  # one that never came to serve ends all
        begin.cancel()
        server.close()
        if self._reports is not None:
            await asyncio.to_thread(self._reports.join)
        if self._errors is not None:
            await asyncio.to_thread(self._errors.finish)
        return max((place.first_code for place in self._places if place.first_code), default=0)

    async def _begin(self) -> None:
        """Once all serve, the instance reports itself."""
        offered: set[str] | None = None
        while offered is None:
            await asyncio.sleep(LOOK_SECONDS)
            await self.reasons()
            if all(place.served for place in self._places):
                offered = await self._offered()
        self._reports = Reports(self._service, offered)

    async def _offered(self) -> set[str] | None:
        """The capabilities of all workers; None when one cannot be asked just now."""
        try:
            told = [await self._ask(place, "about") for place in self._places]
        except (asyncio.TimeoutError, Gone):
            return None
        return {str(one) for about in told for one in about["capabilities"]}

    def stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        self._sock.close()
        if self._reports is not None:
            self._reports.end()
        for place in self._places:
            place.stop()
        asyncio.get_running_loop().call_later(STOP_SECONDS, self._kill)

    def _kill(self) -> None:
        log.error("workers do not stop and are killed", extra={"after_seconds": STOP_SECONDS})
        for place in self._places:
            place.signal(signal.SIGKILL)

    async def _ask(self, place: Place, what: str) -> Any:
        if place.worker is None:
            raise Gone
        return await place.worker.line.ask(what, ASK_SECONDS)

    async def reasons(self) -> Reasons:
        if self._stopping:
            return [reason("phase", "the service is stopping")]
        found = await asyncio.gather(*(self._reasons(place) for place in self._places))
        return [one for reasons in found for one in reasons]

    async def _reasons(self, place: Place) -> Reasons:
        try:
            told: Reasons = await self._ask(place, "health")
        except asyncio.TimeoutError:
            told = [reason("loop", f"the process has not answered for {ASK_SECONDS} s")]
        except Gone:
            told = [reason("workers", "the process has ended and is replaced")]
        place.served = place.served or not any(one["check"] in ("phase", "loop", "workers") for one in told)
        return [{**one, "worker": str(place.number)} for one in told]

    async def health(self) -> dict[str, Any]:
        return facts.health(self._service, await self.reasons())

    async def metrics(self) -> bytes:
        texts = []
        for place in self._places:
            try:
                texts.append((place.number, str(await self._ask(place, "metrics"))))
            except (asyncio.TimeoutError, Gone):
                continue  # /health says so
        return await asyncio.to_thread(summed, texts)

    async def info(self) -> dict[str, Any]:
        own: dict[str, Any] = {}
        for place in self._places:
            try:
                own = (await self._ask(place, "about"))["facts"]
                break
            except (asyncio.TimeoutError, Gone):
                continue
        return await asyncio.to_thread(facts.info, self._service, own, len(self._places))
