"""Whether what an instance says it is, is what was released."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Verdict = Literal["true", "false", "unknown"]

# What is compared, and under which name it is shown.
FACTS: Final = {
    "service": "service",
    "machine": "machine",
    "git_sha": "git_sha",
    "tag": "tag",
    "input_digest": "input_digest",
    "sbom_digest": "sbom",
}
PROOF: Final = {"git_sha", "input_digest"}  # without one of these nothing is proved


@dataclass(frozen=True)
class Mismatch:
    what: str
    desired: str
    reported: str


@dataclass(frozen=True)
class Match:
    verdict: Verdict
    mismatches: tuple[Mismatch, ...] = ()
    why: str = ""


def compare(desired: Mapping[str, str | None], reported: Mapping[str, str | None] | None) -> Match:
    """What is not desired in so many words is not compared; one difference is enough, proof needs a commit."""
    if reported is None:
        return Match("unknown", why="it has not said what it is")
    pairs = [(name, desired.get(name), reported.get(name)) for name in FACTS]
    both = [(name, want, says) for name, want, says in pairs if want and says]
    mismatches = tuple(Mismatch(FACTS[name], want, says) for name, want, says in both if want != says)
    if mismatches:
        return Match("false", mismatches, "differs in " + ", ".join(one.what for one in mismatches))
    if not PROOF & {name for name, _, _ in both}:
        return Match("unknown", why="neither commit nor input digest can be compared")
    return Match("true")
