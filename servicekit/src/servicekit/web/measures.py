"""Counts requests and their time, by route template, method and status: labels that no client can multiply."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import Scope

from servicekit.web.route import route_of

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


class Measures:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter("http_requests", "Requests", ("route", "method", "status"), registry=registry)
        self._seconds = Histogram(
            "http_request_seconds", "Time to answer", ("route", "method"), buckets=BUCKETS, registry=registry
        )

    def count(self, scope: Scope, status: int, seconds: float) -> None:
        """Status 0: the client went, or the connection was cut, before an answer."""
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = route_of(scope).template
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route, method).observe(seconds)
