"""Tells now and then how far an image is on its way between an engine and a registry."""

from __future__ import annotations

import time
from collections.abc import Callable

from dockwright.engine.transfer import Moved

OFTEN = 2.0  # seconds between two lines about one image


class Moving:
    """Follows one image."""

    def __init__(self, name: str, say: Callable[[str], None]) -> None:
        self._name, self._say, self._last = name, say, time.monotonic()

    def __call__(self, moved: Moved) -> None:
        if time.monotonic() - self._last >= OFTEN and moved.total:
            self._last = time.monotonic()
            self._say(f"  {self._name}: {mb(moved.so_far)} of {mb(moved.total)}")


def mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
