"""Freed and used disk space as people and programs read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from dockwright.cli import table
from dockwright.cli.sized import amount
from dockwright.release.freeing import Found
from dockwright.release.prune import Item, Outcome

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
