"""What an instance tells others about itself, in the background, as long as it takes, holding nothing up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from servicekit.reports.courier import Courier, declared
from servicekit.reports.errors import BUS
from servicekit.reports.registration import REGISTRY, Registration
from servicekit.reports.startup import OBSERVER, Startup
from servicekit.service import Service

__all__ = ["Reports"]

LAST_SECONDS: Final = 1.0


class Reports:
    """The instance's own: its start, and its registration. Made once per instance, when it serves."""

    def __init__(self, service: Service, capabilities: Iterable[str]) -> None:
        self._couriers: list[Courier] = []
        if declared(service, OBSERVER, "the startup report is"):
            self._couriers.append(Startup(service))
        if declared(service, REGISTRY, "the registration is"):
            self._couriers.append(Registration(service, sorted(capabilities)))
        declared(service, BUS, "error reports are")  # each process sends its own
        for courier in self._couriers:
            courier.start()

    def end(self) -> None:
        """The instance stops: its registration is taken back while it drains. Waits for nothing."""
        for courier in self._couriers:
            courier.close()

    def join(self) -> None:
        """A last moment for what is under way."""
        for courier in self._couriers:
            courier.join(LAST_SECONDS)
