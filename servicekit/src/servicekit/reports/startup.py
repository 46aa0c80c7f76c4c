"""Tells UnifiedObservabilityCenter that this instance has started and from what it was made."""

from __future__ import annotations

import logging
from typing import Any, Final

from servicekit.errors import Unanswered
from servicekit.facts import sbom_digest
from servicekit.reports.courier import Courier, accepted
from servicekit.service import Service

OBSERVER: Final = "UnifiedObservabilityCenter"
log: Final = logging.getLogger(__name__)
MOST_SECONDS: Final = 60.0
UPLOAD_SECONDS: Final = 30.0
FUTILE: Final = (400, 409, 413, 422)  # the same bytes would be refused again
BUILD: Final = ("service", "machine", "git_sha", "tag", "input_digest", "family")


class Startup(Courier):
    """Once told, the thread ends. The bill of materials is sent only when it is not there yet."""

    def __init__(self, service: Service) -> None:
        super().__init__("startup-report", MOST_SECONDS)
        self._service = service
        self._digest = sbom_digest(service.settings.sbom)
        self._sbom_wanted: bool | None = None

    def report(self) -> dict[str, Any]:
        service = self._service
        return {
            **{key: service.build[key] for key in BUILD},
            "sbom_digest": self._digest,
            "profile": dict(service.profile),
            "port": service.port,
            "health_port": service.health_port,
            "started_at": service.started_at,
        }

    def step(self) -> None:
        if self._sbom_wanted is None:
            reply = self._service.peers.call(OBSERVER, "POST", "/v1/startups", json=self.report())
            told = accepted(reply, 200, 202).json()
            if not isinstance(told, dict):
                raise Unanswered("the answer is not an object")
            self._sbom_wanted = told.get("sbom_wanted") is True
        if self._sbom_wanted and self._digest is not None:
            self._upload(self._digest)

    def _upload(self, digest: str) -> None:
        raw = self._service.settings.sbom.read_bytes()
        path = f"/v1/sboms/{digest}"
        reply = self._service.peers.call(OBSERVER, "PUT", path, json=raw, timeout=UPLOAD_SECONDS)
        if reply.status in FUTILE:
            log.error("the bill of materials is refused", extra={"status": reply.status, "bytes": len(raw)})
        else:
            accepted(reply, 200, 201, 204)
