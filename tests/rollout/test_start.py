"""When a start began: by its engine's clock, whatever else took long beside it."""

from __future__ import annotations

import pytest

from dockwright.rollout.start import Start, ages
from dockwright.spec.model import Instance

EAR, EYE, NEVER = Instance("Ear", "pc2"), Instance("Eye", "pc2"), Instance("Never", "pc2")


def test_each_is_as_old_as_its_engine_says_beside_the_others() -> None:
    since = {EAR: "2026-11-24T21:00:00.5Z", EYE: "2026-11-24T21:00:12.25Z", NEVER: ""}
    assert ages(since) == {EAR: pytest.approx(11.75), EYE: 0.0}
    assert ages({}) == {}


def test_away_is_from_stop_to_healthy_and_a_start_from_start() -> None:
    assert Start(at=112.0, away_since=100.0).away(3.0) == 15.0
    assert Start(at=112.0, away_since=None).away(3.0) is None
