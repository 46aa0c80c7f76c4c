"""Images as an engine has them, for plans to be made of: tagged by some commits, recorded as builds record them."""

from __future__ import annotations

import dataclasses

from dockwright.build import parts, tags
from dockwright.build.images import Image
from dockwright.build.origin import Origin
from dockwright.build.store import Stored

ORIGIN = Origin("b" * 40, False, "20261124")
EARLIER = Origin("a" * 40, False, "20261123")
DIRTY = Origin("b" * 40, True, "20261124")
NAME = "mainpc/ServiceRegistry"


def stored(image: Image, *origins: Origin, by_input: bool = True, **other: object) -> Stored:
    """An image as an engine has it, tagged by some commits; the first one built it."""
    references = [tags.by_commit(image, origin) for origin in origins] + [tags.by_input(image)] * by_input
    recorded = parts.recorded(parts.record(image.parts))
    layers = tuple(f"sha256:{image.name}-{number}" for number in range(2))
    made = Stored(
        f"sha256:{image.name}",
        references[0],
        "sha",
        "tag",
        image.input_digest,
        image.name,
        frozenset(references),
        layers,
        recorded,
    )
    return dataclasses.replace(made, **other)  # type: ignore[arg-type]


def have(*found: Stored) -> dict[str, Stored]:
    return {one.input_digest: one for one in found}


def other(image: Image, **changed: dict[str, str]) -> Image:
    """The image as it was, with other parts."""
    decides = {**image.parts, **{kind: {**image.parts[kind], **values} for kind, values in changed.items()}}
    return dataclasses.replace(image, parts=decides, input_digest=parts.digest(decides))
