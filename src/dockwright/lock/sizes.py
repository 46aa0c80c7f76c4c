"""How large images will be, before anything is downloaded: the published sizes of wheels and Debian packages.

Both are compressed, and so are the goals (ticket 0027): what is added up here is what a registry will transfer, within
a few per cent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dockwright.lock.debs import Deb
from dockwright.lock.pins import Pin
from dockwright.spec.finding import Finding
from dockwright.spec.model import Fleet

# Section C of the blueprint: CPU images of about 100 MB, GPU images of about 3 GB.
GOALS_MB = {False: 100, True: 3000}
CUDA_PACKAGE = re.compile(r"^nvidia-(?P<library>.+?)(-cu(?P<major>\d+))?$")


@dataclass(frozen=True)
class Size:
    """One image. `own` is what its layers add to its parent; `open` names packages whose size is not known yet."""

    name: str
    own: int
    whole: int
    budget: int | None = None
    open: tuple[str, ...] = ()


def own_pins(pins: Mapping[str, Pin], parent: Mapping[str, Pin]) -> list[Pin]:
    """The pins that a lock adds to its parent's, the largest first."""
    return sorted((pin for name, pin in pins.items() if name not in parent), key=lambda pin: -pin.size)


def measured(name: str, pins: Iterable[Pin], debs: Iterable[Deb], below: int, budget: int | None) -> Size:
    """The size of an image on a parent of `below` bytes. A source's own size says nothing about its wheel's."""
    listed = list(pins)
    own = sum(pin.size for pin in listed if not pin.is_source) + sum(deb.size for deb in debs)
    unknown = tuple(pin.name for pin in listed if pin.is_source or not pin.size)
    return Size(name, own, below + own, budget, unknown)


def budget(fleet: Fleet, family: str) -> int:
    """The largest image of a family in bytes: its own budget, or the blueprint's goal."""
    said = fleet.family_files.get(family)
    own = said.budget_mb if said is not None else None
    return 1_000_000 * (own or GOALS_MB[fleet.families[family].gpu])


def over(size: Size, file: str, line: int) -> list[Finding]:
    """Whether an image will be larger than its budget."""
    if size.budget is None or size.whole <= size.budget:
        return []
    whole, own, allowed = (f"{number / 1e6:,.0f} MB" for number in (size.whole, size.own, size.budget))
    says = f"will be {whole}, of which {own} are its own; its budget is {allowed}"
    return [Finding("lock-budget", "error", "budget_mb", file, line, says)]


def cuda(fleet: Fleet, family: str, pins: Mapping[str, Pin], file: Path) -> list[Finding]:
    """CUDA that an image would carry twice, or at another version than the fleet's."""
    found = []
    majors: dict[str, list[Pin]] = {}
    for pin in pins.values():
        match = CUDA_PACKAGE.match(pin.name)
        if match:
            majors.setdefault(match["library"], []).append(pin)
    root = fleet.roots[str(fleet.families[fleet.lineage(family)[0]].parent)]
    for library, same in sorted(majors.items()):
        if len(same) > 1:
            says = f"CUDA's {library} comes twice: {' and '.join(f'{pin.name} {pin.version}' for pin in same)}"
            found.append(_cuda(same[-1], file, says))
        elif root.image and library.startswith("cuda-runtime"):
            says = f"CUDA comes twice: with {same[0].name} {same[0].version}, and with the root {root.image}"
            found.append(_cuda(same[0], file, says))
        if library == "cuda-runtime" and not same[0].version.startswith(f"{fleet.cuda}."):
            says = f"is CUDA {same[0].version}; expected {fleet.cuda}, the fleet's"
            found.append(_cuda(same[0], file, says))
    return found


def _cuda(pin: Pin, file: Path, says: str) -> Finding:
    return Finding("lock-cuda", "error", pin.name, str(file), pin.line or 1, says)
