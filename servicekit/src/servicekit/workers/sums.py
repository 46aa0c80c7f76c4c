"""One /metrics of several workers: what counts is added up, what is measured keeps its worker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

ADDED: Final = ("counter", "histogram", "summary")


class _Summed(Collector):
    def __init__(self, texts: Sequence[tuple[int, str]]) -> None:
        self._texts = texts

    def collect(self) -> Iterator[Metric]:
        found: dict[str, Metric] = {}
        sums: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
        for worker, text in self._texts:
            for family in text_string_to_metric_families(text):
                metric = found.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    if family.type in ADDED:
                        key = (sample.name, tuple(sorted(sample.labels.items())))
                        added = sums.setdefault(family.name, {})
                        added[key] = added.get(key, 0.0) + sample.value
                    else:
                        labels = {**sample.labels, "worker": str(worker)}
                        metric.samples.append(Sample(sample.name, labels, sample.value))
        for name, added in sums.items():
            found[name].samples += [Sample(one, dict(labels), value) for (one, labels), value in added.items()]
        yield from found.values()


def summed(texts: Sequence[tuple[int, str]]) -> bytes:
    """`texts` are (worker's number, its /metrics)."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Summed(texts))
    return generate_latest(registry)
