"""Which group an error belongs to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from central_error_bus.core.frames import top_frames
from central_error_bus.core.pattern import pattern


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`id` is the same for errors that repeat each other; `pattern` and `frames` are what they have in common."""

    id: str
    pattern: str
    frames: tuple[str, ...]


def fingerprint(service: str, kind: str, message: str, trace: str) -> Fingerprint:
    common = pattern(message)
    frames = top_frames(trace)
    # NUL cannot occur in a part, so that no two lists of parts become the same text.
    whole = "\0".join((service, kind, common, *frames))
    return Fingerprint(hashlib.sha256(whole.encode()).hexdigest()[:32], common, frames)
