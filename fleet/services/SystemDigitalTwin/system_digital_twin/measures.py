"""Prometheus metrics, read from the model when somebody scrapes. `about` is the machine that is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from system_digital_twin import views
from system_digital_twin.report import Report
from system_digital_twin.sight import State
from system_digital_twin.twin import Twin

Read = Callable[[Report], float | None]
FRESH: dict[str, tuple[str, Read]] = {
    "twin_cpus": ("Logical CPUs.", lambda seen: seen.cpu.count),
    "twin_cpu_busy_percent": ("Use of all CPUs together.", lambda seen: seen.cpu.busy_pct),
    "twin_memory_total_mb": ("Main memory.", lambda seen: seen.memory.total_mb),
    "twin_memory_used_mb": ("Main memory in use.", lambda seen: seen.memory.used_mb),
    "twin_disk_total_mb": ("The file system of the supervisor's state.", lambda seen: seen.disk.total_mb),
    "twin_disk_used_mb": ("What is taken of it.", lambda seen: seen.disk.used_mb),
    "twin_gpus": ("NVIDIA cards; absent while unknown.", lambda s: None if s.gpus is None else len(s.gpus)),
}


class Measures(Collector):
    """What is not known now is absent, not zero."""

    def __init__(self, twin: Twin) -> None:
        self._twin = twin

    def collect(self) -> Iterable[Metric]:
        yield from self._sights()
        yield from self._machines()
        yield self._cards("twin_gpu_memory_total_mb", "Memory of a card.", 0)
        yield self._cards("twin_gpu_memory_used_mb", "Memory in use of a card.", 1)
        yield from self._declared()
        lost = self._twin.history.lost
        yield CounterMetricFamily("twin_history_lost", "Buckets of the history that were never written.", lost)

    def _sights(self) -> Iterable[Metric]:
        live = GaugeMetricFamily("twin_machine_live", "1 while the machine's supervisor answers.", labels=["about"])
        age = GaugeMetricFamily("twin_machine_age_seconds", "Age of the machine's last answer.", labels=["about"])
        asked = CounterMetricFamily("twin_questions", "Questions asked.", labels=["about"])
        silent = CounterMetricFamily("twin_silences", "Questions without a usable answer.", labels=["about"])
        for name in self._twin.names():
            sight = self._twin.sight(name)
            live.add_metric([name], float(sight.state is State.LIVE))
            asked.add_metric([name], sight.questions)
            silent.add_metric([name], sight.silences)
            seconds = sight.age()
            if seconds is not None:
                age.add_metric([name], seconds)
        yield from (live, age, asked, silent)

    def _fresh(self) -> dict[str, Report]:
        return {name: seen for name in self._twin.names() if (seen := self._twin.sight(name).fresh) is not None}

    def _machines(self) -> Iterable[Metric]:
        for metric, (says, read) in FRESH.items():
            family = GaugeMetricFamily(metric, says, labels=["about"])
            for name, seen in self._fresh().items():
                value = read(seen)
                if value is not None:
                    family.add_metric([name], value)
            yield family

    def _cards(self, metric: str, says: str, used: int) -> Metric:
        family = GaugeMetricFamily(metric, says, labels=["about", "card"])
        for name, seen in self._fresh().items():
            for card in seen.gpus or ():
                family.add_metric([name, str(card.index)], card.memory_used_mb if used else card.memory_total_mb)
        return family

    def _declared(self) -> Iterable[Metric]:
        memory = GaugeMetricFamily("twin_claimed_memory_mb", "Declared needs together.", labels=["about"])
        gpu = GaugeMetricFamily("twin_claimed_gpu_memory_mb", "Declared GPU needs together.", labels=["about"])
        declared = self._twin.declared
        for name in declared.machines if declared else ():
            claimed = views.claimed(declared.on(name) if declared else ())
            for family, value in ((memory, claimed.memory_mb), (gpu, claimed.gpu_memory_mb)):
                if value is not None:
                    family.add_metric([name], value)
        yield from (memory, gpu)
