"""Prometheus metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from central_error_bus.writer import Commit

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
ERRORS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

REASONS: Final = ("invalid", "full", "unwritable", "stopping")


class Measures:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.accepted = Counter("errorbus_accepted", "Errors taken and on the disk.", registry=registry)
        self.duplicates = Counter("errorbus_duplicates", "Errors told again by their id.", registry=registry)
        self.rejected = Counter(
            "errorbus_rejected", "Requests to publish that were refused.", ["why"], registry=registry
        )
        for why in REASONS:
            self.rejected.labels(why)
        self._seconds = Histogram("errorbus_commit_seconds", "Time of a commit.", buckets=SECONDS, registry=registry)
        self._errors = Histogram("errorbus_commit_errors", "Errors of a commit.", buckets=ERRORS, registry=registry)

    def commit(self, commit: Commit) -> None:
        if commit.seconds:
            self._seconds.observe(commit.seconds)
            self._errors.observe(len(commit.kept))


class Numbers(Collector):
    """Read when somebody scrapes, in another thread: `read` gives numbers that are at hand."""

    def __init__(self, read: Callable[[], dict[str, tuple[str, float]]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        for name, (says, value) in self._read().items():
            family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            yield family(name, says, value)
