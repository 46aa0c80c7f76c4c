"""Registers this instance with ServiceRegistry and keeps the lease while the process lives."""

from __future__ import annotations

import socket
from typing import Any, Final
from urllib.parse import quote

from servicekit.errors import Unanswered
from servicekit.reports.courier import Courier, accepted
from servicekit.service import Service

REGISTRY: Final = "ServiceRegistry"
LEASE_SECONDS: Final = 15
MOST_SECONDS: Final = 15.0  # a registry that comes back knows the fleet again within a lease
FAREWELL_SECONDS: Final = 0.8


class Registration(Courier):
    def __init__(self, service: Service, capabilities: list[str]) -> None:
        super().__init__("registration", MOST_SECONDS)
        self._service = service
        self._capabilities = capabilities
        self._id = ""

    def registration(self) -> dict[str, Any]:
        url, health_url = own_urls(self._service)
        metadata = {key: self._service.build[key] for key in ("family", "git_sha", "tag")}
        return {
            "service": self._service.name,
            "machine": self._service.machine,
            "url": url,
            "health_url": health_url,
            "capabilities": self._capabilities,
            "lease_seconds": LEASE_SECONDS,
            "metadata": metadata,
        }

    def step(self) -> float:
        peers = self._service.peers
        if not self._id:
            reply = accepted(peers.call(REGISTRY, "POST", "/v1/registrations", json=self.registration()), 200, 201)
            told = reply.json()
            if not isinstance(told, dict) or not isinstance(told.get("id"), str) or not told["id"]:
                raise Unanswered("the answer has no id")
            self._id = told["id"]
            return renewal(told)
        reply = peers.call(REGISTRY, "PUT", f"/v1/registrations/{quote(self._id, safe='')}/lease")
        if reply.status == 404:  # the lease ran out, or the registry has lost its memory
            self._id = ""
            return 0.0
        return renewal(accepted(reply, 200).json())

    def last(self) -> None:
        if self._id:
            path = f"/v1/registrations/{quote(self._id, safe='')}"
            self._service.peers.call(REGISTRY, "DELETE", path, timeout=FAREWELL_SECONDS)


def renewal(told: object) -> float:
    """Seconds until the lease is renewed: a third of what the registry grants."""
    granted = told.get("lease_seconds") if isinstance(told, dict) else None
    seconds = granted if isinstance(granted, (int, float)) else LEASE_SECONDS
    return max(1.0, min(60.0, seconds / 3))


def own_urls(service: Service) -> tuple[str, str]:
    """As others reach it: from its own entry among the peers, or by the container's host name."""
    if service.name in service.peers and service.machine in service.peers.machines(service.name):
        return (
            service.peers.url(service.name, service.machine),
            service.peers.health_url(service.name, service.machine),
        )
    bind = service.settings.bind
    host = socket.gethostname() if bind in ("0.0.0.0", "::") else f"[{bind}]" if ":" in bind else bind  # noqa: S104
    return f"http://{host}:{service.port}", f"http://{host}:{service.health_port}"
