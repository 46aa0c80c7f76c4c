from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockwright.spec.load import load_fleet
from dockwright.spec.names import did_you_mean, slug

FLEET = load_fleet(Path(__file__).parents[2] / "fleet")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ServiceRegistry", "service-registry"),
        ("TTSService", "tts-service"),
        ("STTService", "stt-service"),
        ("NLUAgent", "nlu-agent"),
        ("StreamingTTSAgent", "streaming-tts-agent"),
        ("CrossMachineGPUScheduler", "cross-machine-gpu-scheduler"),
        ("ObservabilityDashboardAPI", "observability-dashboard-api"),
        ("RealTimeAudioPipelinePC2", "real-time-audio-pipeline-pc2"),
        ("UnifiedObservabilityCenter", "unified-observability-center"),
        ("TinyLlamaServiceEnhanced", "tiny-llama-service-enhanced"),
        ("Executor", "executor"),
    ],
)
def test_slug(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_no_two_services_share_a_slug() -> None:
    assert len({slug(name) for name in FLEET.services}) == len(FLEET.services)


@given(st.text(max_size=60))
def test_a_slug_is_always_a_host_name_label_or_empty(name: str) -> None:
    assert re.fullmatch(r"([a-z0-9]+(-[a-z0-9]+)*)?", slug(name))


def test_the_nearest_name_is_offered_and_a_far_one_is_not() -> None:
    assert did_you_mean("servicereg1stry", FLEET.services) == "; did you mean 'ServiceRegistry'?"
    assert did_you_mean("xyz", FLEET.services) == ""
