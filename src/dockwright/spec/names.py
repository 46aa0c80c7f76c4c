"""Names: how a service's name is written in images and containers, and which known name was probably meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


def slug(name: str) -> str:
    """CamelCase as kebab-case: RealTimeAudioPipelinePC2 -> real-time-audio-pipeline-pc2, TTSService -> tts-service."""
    spaced = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1-\2", name)
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", spaced)
    return re.sub(r"[^a-z0-9]+", "-", spaced.lower()).strip("-")


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that was probably meant; empty when none is near."""
    names = list(known)
    lower = {other.lower(): other for other in names}
    if name.lower() in lower:
        return lower[name.lower()]
    found = difflib.get_close_matches(name, names, 1)
    return found[0] if found else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or nothing."""
    found = nearest(name, known)
    return f"; did you mean '{found}'?" if found else ""
