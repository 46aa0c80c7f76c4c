"""The fleet as Prometheus reads it on GET /metrics of the service port."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from unified_observability_center import views
from unified_observability_center.center import Center
from unified_observability_center.core.health import State
from unified_observability_center.views import Seen

LABELS: Final = ("service", "machine", "family", "phase")
STATES: Final = tuple(state.value for state in State)


class Fleet(Collector):
    def __init__(self, center: Center) -> None:
        self._center = center

    def collect(self) -> Iterable[Metric]:
        rows = views.desired(self._center)
        yield from _instances(rows)
        yield from _totals(self._center, rows)


def text(center: Center) -> bytes:
    registry = CollectorRegistry()
    registry.register(Fleet(center))
    return generate_latest(registry)


def _labels(one: Seen) -> list[str]:
    machine, service = one.key
    facts = one.sight.wanted.facts if one.sight else {}
    return [service, machine, facts.get("family", ""), facts.get("phase", "")]


def _gauge(name: str, says: str, rows: Iterable[tuple[Seen, float | None]]) -> Metric:
    """What is not known has no sample."""
    family = GaugeMetricFamily(f"dockwright_instance_{name}", says, labels=LABELS)
    for one, value in rows:
        if value is not None:
            family.add_metric(_labels(one), value)
    return family


def _instances(rows: list[Seen]) -> Iterable[Metric]:
    memories = [(one, one.sight.memory) for one in rows if one.sight]
    asked = [(one, memory) for one, memory in memories if memory.state is not State.UNKNOWN]
    yield _gauge(
        "up",
        "1 while the instance answers on its health port.",
        ((one, float(memory.misses == 0 and memory.answered_at is not None)) for one, memory in asked),
    )
    yield _gauge(
        "healthy", "1 while the instance is healthy.", ((one, float(m.state is State.HEALTHY)) for one, m in asked)
    )
    yield _gauge("health_seconds", "Time that the last health answer took.", ((one, m.seconds) for one, m in memories))
    yield _gauge(
        "state_since_timestamp_seconds", "Since when it is in its state.", ((one, m.since) for one, m in memories)
    )
    yield _gauge(
        "started_timestamp_seconds", "Since when it runs, in its own words.", ((one, one.started_at) for one in rows)
    )
    verdicts = {"true": 1.0, "false": 0.0}
    yield _gauge(
        "matches_release",
        "1 when what runs is what was released, 0 when it is not; no sample while that cannot be told.",
        ((one, verdicts.get(one.match.verdict)) for one in rows),
    )
    state = GaugeMetricFamily("dockwright_instance_state", "1 for the state it is in.", labels=[*LABELS, "state"])
    restarts = CounterMetricFamily("dockwright_instance_restarts", "Restarts by its supervisor.", labels=LABELS)
    info = InfoMetricFamily("dockwright_instance", "What it says it is.", labels=LABELS)
    for one, memory in memories:
        for each in STATES:
            state.add_metric([*_labels(one), each], float(memory.state == each))
        restarts.add_metric(_labels(one), one.restarts)
        if one.reported is not None:
            facts = one.reported.facts
            info.add_metric(_labels(one), {name: facts.get(name, "") for name in ("git_sha", "tag", "sbom_digest")})
    yield from (state, restarts, info)


def _totals(center: Center, rows: list[Seen]) -> Iterable[Metric]:
    found = center.desired
    yield GaugeMetricFamily("dockwright_instances_desired", "Instances that should run here.", len(rows))
    yield GaugeMetricFamily(
        "dockwright_instances_extra", "Instances that are not desired and reported.", len(views.undesired(center))
    )
    left_out = GaugeMetricFamily("dockwright_instances_left_out", "Instances that do not run here.", labels=["why"])
    for why, count in Counter(one.why for one in (found.left_out if found else ())).items():
        left_out.add_metric([why], count)
    yield left_out
    yield GaugeMetricFamily(
        "dockwright_desired_readable", "1 while desired.json can be read.", float(not center.file.problem)
    )
    if found is not None and found.written_at is not None:
        yield GaugeMetricFamily(
            "dockwright_desired_written_timestamp_seconds", "When desired.json was written.", found.written_at
        )
    asking = center.following.asking
    yield CounterMetricFamily("dockwright_health_questions", "Health questions asked.", asking.asked)
    yield CounterMetricFamily("dockwright_health_silences", "Health questions without an answer.", asking.missed)
    yield CounterMetricFamily(
        "dockwright_health_discarded", "Silences not counted, the observer itself being late.", asking.discarded
    )
    yield CounterMetricFamily("dockwright_transitions_lost", "Transitions that were never kept.", center.journal.lost)
    yield GaugeMetricFamily("dockwright_sboms", "SBOMs that are kept.", len(center.sboms))
    yield GaugeMetricFamily("dockwright_sboms_bytes", "Size of the SBOMs that are kept.", center.sboms.size)
