"""The machine's NVIDIA cards through NVML, or the reason why nothing is known of them."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Final

MIB: Final = 1024 * 1024


@dataclass(frozen=True)
class Gpus:
    """`cards` is None when nothing is known, and then `reason` says why; an empty list means: no card is there."""

    cards: list[dict[str, Any]] | None
    reason: str | None


class Nvml:
    """Blocking. NVML is loaded at the first question, and again at the next one when that failed."""

    def __init__(self) -> None:
        self._nvml: Any = None

    def read(self) -> Gpus:
        try:
            if self._nvml is None:
                nvml: Any = importlib.import_module("pynvml")
                nvml.nvmlInit()
                self._nvml = nvml
            return Gpus([self._card(index) for index in range(self._nvml.nvmlDeviceGetCount())], None)
        except Exception as error:  # noqa: BLE001 - no library, no driver, a driver that was exchanged: all mean unknown
            self._nvml = None
            return Gpus(None, f"unknown: {error}"[:300])

    def _card(self, index: int) -> dict[str, Any]:
        nvml = self._nvml
        card = nvml.nvmlDeviceGetHandleByIndex(index)
        memory = nvml.nvmlDeviceGetMemoryInfo(card)
        name = nvml.nvmlDeviceGetName(card)
        return {
            "index": index,
            "name": name.decode() if isinstance(name, bytes) else str(name),
            "memory_total_mb": memory.total // MIB,
            "memory_used_mb": memory.used // MIB,
            "busy_pct": self._or_none(lambda: nvml.nvmlDeviceGetUtilizationRates(card).gpu),
            "temperature_c": self._or_none(lambda: nvml.nvmlDeviceGetTemperature(card, nvml.NVML_TEMPERATURE_GPU)),
        }

    def _or_none(self, read: Any) -> Any:
        """Some cards and some virtual ones do not tell everything."""
        try:
            return read()
        except self._nvml.NVMLError:
            return None
