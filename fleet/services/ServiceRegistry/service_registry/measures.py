"""Prometheus metrics: counted as things happen, read when somebody scrapes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service_registry.core.registration import Change, Kind
from service_registry.core.registry import Registry
from service_registry.keeping import Keeping
from service_registry.watching import Watching


class Measures(Collector):
    def __init__(self, registry: Registry, keeping: Keeping, watching: Watching, watchers: Callable[[], int]) -> None:
        self._renewals = {"renewed": 0, "unknown": 0}  # unknown: it is gone, the service must register anew
        self._registry = registry
        self._keeping = keeping
        self._watching = watching
        self._watchers = watchers
        self._changes = dict.fromkeys(("new", "replaced", "expired", "deregistered"), 0)

    def heard(self, change: Change) -> None:
        if change.kind is Kind.REGISTERED:
            self._changes["new" if change.replaced is None else "replaced"] += 1
        elif change.kind is not Kind.CONFIRMED:
            self._changes[change.kind] += 1

    def renewed(self, known: bool) -> None:
        self._renewals["renewed" if known else "unknown"] += 1

    def collect(self) -> Iterable[Metric]:
        made = CounterMetricFamily("registry_registered", "Registrations that were made.", labels=["kind"])
        for kind in ("new", "replaced"):
            made.add_metric([kind], self._changes[kind])
        yield made
        yield CounterMetricFamily("registry_expired", "Leases that nobody renewed.", self._changes["expired"])
        yield CounterMetricFamily("registry_deregistered", "Registrations given up.", self._changes["deregistered"])
        renewed = CounterMetricFamily("registry_renewals", "Renewals by how they ended.", labels=["outcome"])
        for outcome, count in self._renewals.items():
            renewed.add_metric([outcome], count)
        yield renewed
        yield GaugeMetricFamily("registry_registrations", "Registrations now.", len(self._registry))
        yield GaugeMetricFamily("registry_registrations_most", "As many are allowed.", self._registry.most)
        yield GaugeMetricFamily("registry_watchers", "Open watch streams.", self._watchers())
        yield CounterMetricFamily(
            "registry_snapshots",
            "Whole states sent to watchers: new ones and those that fell behind.",
            self._watching.snapshots,
        )
        yield CounterMetricFamily("registry_keep_failures", "Writes that the disk refused.", self._keeping.failures)
        yield GaugeMetricFamily(
            "registry_kept", "1 while all registrations are safe on disk.", float(not self._keeping.trouble())
        )
