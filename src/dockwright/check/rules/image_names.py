"""Image, tag and container names are ones that registries, Docker and DNS accept, and no two services share one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding
from dockwright.spec.names import slug

LONGEST_TAG, LONGEST_NAME, LONGEST_LABEL = 128, 255, 63
SHA = 40
# A path component of an image reference; stricter than a tag, so that one rule serves both.
PART = re.compile(r"[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*")


def find(facts: Facts) -> Iterator[Finding]:
    fleet, seen = facts.fleet, dict[str, str]()
    for name, row in fleet.services.items():
        kebab = slug(name)
        other = seen.setdefault(kebab, name)
        if other != name:
            says = f"its image and container would be called {kebab}, as those of {other}"
            yield finding("image-names", "error", row, f"services.{name}", says)
        if len(f"dockwright-{kebab}") > LONGEST_LABEL:
            says = f"its container name has more than the {LONGEST_LABEL} letters that a host name may have"
            yield finding("image-names", "error", row, f"services.{name}", says)
        if len(f"{fleet.registry}/{kebab}") > LONGEST_NAME:
            says = f"its image name has more than {LONGEST_NAME} letters"
            yield finding("image-names", "error", row, f"services.{name}", says)
    for kind, names in (("families", fleet.families), ("machines", fleet.machines)):
        for name, declared in names.items():
            if not PART.fullmatch(name):
                says = (
                    "expected small letters, digits and single . _ - between them: it is part of image names and tags"
                )
                yield finding("image-names", "error", declared, f"{kind}.{name}", says)
    longest = max((len(name) for name in fleet.machines), default=0)
    if len("YYYYMMDD-") + SHA + 1 + longest > LONGEST_TAG:
        yield finding(
            "image-names", "error", fleet, "machines", f"tags would have more than {LONGEST_TAG} letters", "machines"
        )
    if len(fleet.machines) > 1 and "<machine>" not in fleet.instance_tag:
        says = (
            "images of different machines would share a tag, though the profile is baked in; expected <machine> in it"
        )
        yield finding("image-names", "error", fleet, "instance_tag", says, "instance_tag")
