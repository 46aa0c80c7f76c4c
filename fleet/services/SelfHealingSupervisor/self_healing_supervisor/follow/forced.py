"""FORCE_IMAGE_TAG: services that are held at a tag, whatever is released. `Service=tag`, commas between. Pure."""

from __future__ import annotations

import re
from typing import Final

from self_healing_supervisor.words import SERVICE_NAME

VARIABLE: Final = "FORCE_IMAGE_TAG"
TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def parse(text: str) -> tuple[dict[str, str], str]:
    """Service -> tag, and what of the text says nothing (empty when all of it does)."""
    found: dict[str, str] = {}
    wrong: list[str] = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        service, equals, tag = part.partition("=")
        if equals and SERVICE_NAME.fullmatch(service) and TAG.fullmatch(tag):
            found[service] = tag
        else:
            wrong.append(part[:80])
    return found, f"{VARIABLE} says {', '.join(wrong)}, which is not Service=tag" if wrong else ""


def names(tag: str, machine: str) -> tuple[str, ...]:
    """The tags that are meant, the likelier one first: images carry their machine's name."""
    return (tag,) if tag.endswith(f"-{machine}") else (f"{tag}-{machine}", tag)
