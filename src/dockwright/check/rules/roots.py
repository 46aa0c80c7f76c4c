"""A root is made from packages or taken from a registry by digest, never by tag alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding


def find(facts: Facts) -> Iterator[Finding]:
    used = {family.parent for family in facts.fleet.families.values()}
    for name, root in facts.fleet.roots.items():
        path = f"roots.{name}"
        if bool(root.image) == bool(root.variant):
            says = "expected either `variant` and `packages` (made from packages) or `image` (from a registry)"
            yield finding("roots", "error", root, path, says)
        elif root.image and name in used and not re.search(r"@sha256:[0-9a-f]{64}$", root.image):
            says = f'"{root.image}" names no digest, so the same words can mean another image tomorrow'
            yield finding("roots", "error", root, f"{path}.image", says, "image")
