"""Prometheus metrics, read from the supervisor when somebody scrapes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from self_healing_supervisor.core.memory import Breaker
from self_healing_supervisor.follow.follower import Follower
from self_healing_supervisor.supervisor import Supervisor


class Queue(Protocol):
    lost: int

    @property
    def waiting(self) -> int: ...


class Measures(Collector):
    def __init__(self, supervisor: Supervisor, follower: Follower, queue: Queue) -> None:
        self._supervisor = supervisor
        self._follower = follower
        self._queue = queue

    def collect(self) -> Iterable[Metric]:
        found = self._supervisor
        acts = CounterMetricFamily("supervisor_acts", "Acts on instances by what was wrong.", labels=["about", "kind"])
        for (service, kind), count in list(found.acts.items()):
            acts.add_metric([service, str(kind)], count)
        healed = CounterMetricFamily("supervisor_healed", "Troubles that ended healthy.", labels=["about"])
        seconds = CounterMetricFamily("supervisor_heal_seconds", "Time from trouble to healthy.", labels=["about"])
        for service, count in list(found.healed.items()):
            healed.add_metric([service], count)
            seconds.add_metric([service], found.heal_seconds[service])
        state = GaugeMetricFamily("supervisor_state", "1 for the state an instance is in.", labels=["about", "state"])
        breaker = GaugeMetricFamily(
            "supervisor_breaker_open", "1 while an instance's breaker is open.", labels=["about"]
        )
        for service, memory in list(found.memories.items()):
            state.add_metric([service, str(memory.state)], 1)
            breaker.add_metric([service], float(memory.breaker is Breaker.OPEN))
        ends = CounterMetricFamily("supervisor_releases", "Attempts at a release by how they ended.", labels=["end"])
        for end, count in list(self._follower.ends.items()):
            ends.add_metric([end], count)
        yield from (acts, healed, seconds, state, breaker, ends)
        yield CounterMetricFamily("supervisor_health_questions", "Health questions asked.", found.asking.asked)
        yield CounterMetricFamily(
            "supervisor_health_silences", "Health questions without an answer.", found.asking.missed
        )
        connected = float(found.watch.connected_at is not None)
        yield GaugeMetricFamily("supervisor_engine_connected", "1 while events flow from the engine.", connected)
        yield GaugeMetricFamily("supervisor_events_waiting", "Events not told yet.", self._queue.waiting)
        yield CounterMetricFamily(
            "supervisor_events_lost", "Events thrown away, the queue being full.", self._queue.lost
        )
