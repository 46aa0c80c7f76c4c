"""Other machines, lost and back: told once each, and only after some silence."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from registry_double import registry
from self_healing_supervisor import neighbours
from self_healing_supervisor.neighbours import Neighbours


def test_a_machine_is_lost_after_some_silence_and_comes_back() -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    with registry() as other:  # any program that answers HTTP
        found = Neighbours({"pc2": f"http://127.0.0.1:{other.port}"}, lambda kind, detail: told.append((kind, detail)))

        def look() -> None:
            asyncio.run(found.look("pc2"))

        look()
        other.stop()
        for _ in range(neighbours.MISSES - 1):
            look()
        assert not told
        for _ in range(3):
            look()
        assert [kind for kind, _ in told] == ["machine_lost"]
        assert (told[0][1]["machine"], "pc2" in found.lost) == ("pc2", True)
        other.start()
        look()
        look()
        assert [kind for kind, _ in told] == ["machine_lost", "machine_back"]
        assert told[1][1]["seconds"] == pytest.approx(0, abs=60)
        assert not found.lost
