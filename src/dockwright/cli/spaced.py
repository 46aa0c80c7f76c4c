"""Freed and used disk space as people and programs read it."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dockwright.cli import table
from dockwright.cli.sized import amount
from dockwright.engine import find
from dockwright.release import room
from dockwright.release.freeing import Found
from dockwright.release.prune import Item, Outcome

USED = ("WHAT", "BYTES", "COUNT")
COLUMNS = ("KIND", "WHAT", "FREES", "WHY")


def show(found: Found, outcome: Outcome, freed: int | None, *, done: bool) -> None:
    """What would go (`done` is false), or what went and what did not."""
    items = outcome.gone if done else outcome.left
    if items:
        table.show(COLUMNS, [(item.kind, item.name, amount(item.size), item.why) for item in items])
        print()
    print("\n".join([*_kept(found), *(_done(outcome, freed) if done else _planned(outcome.left))]))


def _planned(items: list[Item]) -> Iterator[str]:
    if not items:
        yield "nothing to free"
        return
    yield f"would free at least {amount(_sum(items))}: {_by_kind(items)}"
    yield "nothing was touched; --yes frees it"


def _done(outcome: Outcome, freed: int | None) -> Iterator[str]:
    for item, error in outcome.failed:
        yield f"not freed: {item.name}: {error}"
    if outcome.left:
        yield f"left: {len(outcome.left)} of {len(outcome.left) + len(outcome.gone)}, {amount(_sum(outcome.left))}"
        yield f"next would be {outcome.left[0].kind}: {outcome.left[0].name}; run the same command again to go on"
    if not outcome.gone:
        yield "nothing was freed"
        return
    yield f"freed at least {amount(_sum(outcome.gone))}: {_by_kind(outcome.gone)}"
    if freed is not None:
        yield f"the engine's store is {amount(max(0, freed))} smaller"


def _kept(found: Found) -> Iterator[str]:
    """Why images stay, the reasons counted."""
    if found.stored is None:
        return
    here = {image.digest for image in found.stored.images}
    for why, count in Counter(why for digest, why in found.stays.items() if digest in here).most_common():
        yield f"kept: {count} {'image' if count == 1 else 'images'}: {why}"


def _by_kind(items: Iterable[Item]) -> str:
    sizes: Counter[str] = Counter()
    for item in items:
        sizes[item.kind] += item.size
    return ", ".join(f"{kind} {amount(size)}" for kind, size in sizes.items())


def _sum(items: Iterable[Item]) -> int:
    return sum(item.size for item in items)


def as_json(found: Found, outcome: Outcome, freed: int | None, *, done: bool) -> dict[str, Any]:
    """The shape that `prune --json` prints. `bytes` is what something frees at least."""
    return {
        "done": done,
        "items": [_item(item) for item in (outcome.gone if done else outcome.left)],
        "bytes": _sum(outcome.gone if done else outcome.left),
        "left": [_item(item) for item in outcome.left] if done else [],
        "failed": [{**_item(item), "error": str(error)} for item, error in outcome.failed],
        "engine_freed": freed,
        "kept": dict(found.stays),
    }


def _item(item: Item) -> dict[str, Any]:
    said = {"digest": item.digest} if item.digest else {}
    return {"kind": item.kind, "name": item.name, **said, "bytes": item.size, "why": item.why}


@dataclass(frozen=True)
class Used:
    """What `sizes --disk` says: `found` is what could go, `home` the state directory."""

    found: Found
    home: Path

    @cached_property
    def uses(self) -> list[room.Use]:
        engine = list(room.of_engine(self.found.stored)) if self.found.stored else []
        return [*engine, *room.of_state(self.home, find.own_daemon().home / "data")]

    @property
    def free(self) -> int:
        """What the disk below the state directory has left."""
        return shutil.disk_usage(next(path for path in (self.home, *self.home.parents) if path.exists())).free

    def show(self) -> None:
        rows = [(use.what, amount(use.size), str(use.count)) for use in self.uses if use.size or use.count]
        table.show(USED, rows)
        items = list(self.found.items)
        print(f"\n{amount(sum(use.size for use in self.uses))} in all; {amount(self.free)} of this disk are free")
        freed = f"at least {amount(_sum(items))}: {_by_kind(items)}" if items else "nothing"
        print(f"./dockwright prune would free {freed}")

    def as_json(self) -> dict[str, Any]:
        """The shape that `sizes --disk --json` prints."""
        return {
            "uses": [{"what": use.what, "bytes": use.size, "count": use.count} for use in self.uses],
            "bytes": sum(use.size for use in self.uses),
            "free": self.free,
            "prune": [_item(item) for item in self.found.items],
        }
