"""Whether a lock is whole: every requirement of every package that is reached is pinned, and met by its pin.

It walks from the requirements.in files through the packages' own metadata. No versions are chosen here, so it can
contradict the resolver.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dockwright.lock.pins import Pin, Via
from dockwright.lock.requirement import Asked, applies, bare, parsed
from dockwright.lock.tasks import Rules
from dockwright.spec.finding import Finding

# Package -> what it requires; None where that could not be read.
Needs = Mapping[str, tuple[str, ...] | None]


@dataclass
class Walk:
    """Who asks for each package that was reached, and each requirement that no pin meets."""

    via: dict[str, set[Via]] = field(default_factory=dict)
    unmet: list[Via] = field(default_factory=list)
    opaque: set[str] = field(default_factory=set)


def walk(
    asked: Iterable[Asked], needs: Needs, pins: Mapping[str, Pin], markers: Mapping[str, str], rules: Rules
) -> Walk:
    """Follow every requirement from the inputs on."""
    made = Walk()
    seen: set[tuple[str, str]] = set()
    waiting: list[tuple[str, Requirement, str]] = [(item.file, item.requirement, "") for item in asked]
    while waiting:
        source, requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in rules.without or not applies(requirement, markers, extra):
            continue
        via = Via(source, bare(requirement))
        pin = pins.get(name)
        if pin is None or not rules.met(requirement, pin.version):
            made.unmet.append(via)
            continue
        made.via.setdefault(name, set()).add(via)
        for wanted in ("", *sorted(requirement.extras)):
            if (name, wanted) not in seen:
                seen.add((name, wanted))
                waiting += _below(made, name, wanted, needs)
    return made


def _below(made: Walk, name: str, extra: str, needs: Needs) -> Iterable[tuple[str, Requirement, str]]:
    """The requirements of one package, asked for with one extra."""
    texts = needs.get(name)
    if texts is None:
        made.opaque.add(name)
        return
    for text in texts:
        requirement = parsed(text)
        if isinstance(requirement, Requirement):
            yield name, requirement, extra


def findings(made: Walk, pins: Mapping[str, Pin], file: str) -> list[Finding]:
    """What is wrong with a lock after a walk. Strays are only certain where every package could be read."""
    found = []
    for via in sorted(set(made.unmet), key=lambda via: (via.source, via.requirement)):
        requirement = Requirement(via.requirement)
        pin = pins.get(canonicalize_name(requirement.name))
        says = f"{via.source} needs {via.requirement}; {f'pinned is {pin.version}' if pin else 'nothing is pinned'}"
        found.append(Finding("lock-closure", "error", requirement.name, file, pin.line if pin else 1, says))
    strays = [] if made.opaque else [pin for name, pin in pins.items() if name not in made.via]
    for pin in strays:
        says = f"{pin.name}=={pin.version} is pinned, and nothing asks for it"
        found.append(Finding("lock-closure", "error", pin.name, file, pin.line or 1, says))
    return found
