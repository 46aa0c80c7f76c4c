"""The torch that a family pins is one that its vllm accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding

# What released vllm wheels pin, read off their own metadata: the newest vllm for each torch.
VLLM_FOR_TORCH = {
    "2.1.2": "0.4.0.post1",
    "2.2.1": "0.4.1",
    "2.3.0": "0.5.1",
    "2.3.1": "0.5.3",
    "2.4.0": "0.6.3.post1",
    "2.5.1": "0.6.4",
}


def find(facts: Facts) -> Iterator[Finding]:
    fleet = facts.fleet
    for name, family in fleet.families.items():
        if not any(re.match(r"vllm\b", item) for item in family.contents):
            continue
        path = f"families.{name}.contents"
        contents = [item for above in fleet.lineage(name) for item in fleet.families[above].contents]
        pins = [match[1] for item in contents if (match := re.match(r"torch==([\d.]+)", item))]
        open_ticket = next((t.number for t in facts.tickets if t.status == "open" and path in t.about), None)
        for version in pins:
            if version in VLLM_FOR_TORCH:
                continue
            says = (
                f"vllm beside torch=={version}: no vllm accepts it, and a resolver silently falls back to one of 2023"
            )
            known = f"; torch that one accepts: {', '.join(VLLM_FOR_TORCH)}"
            if open_ticket:
                yield finding(
                    "torch-pins", "warning", family, path, f"{says}; ticket {open_ticket:04} is open", "contents"
                )
            else:
                yield finding("torch-pins", "error", family, path, says + known, "contents")
