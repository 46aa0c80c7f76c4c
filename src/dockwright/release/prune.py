"""What may be freed in an engine and in the state directory, and the freeing of it, one thing after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dockwright.build.images import LABEL_INPUT
from dockwright.engine import space
from dockwright.engine.docker import Docker
from dockwright.engine.space import Cached, Image, Stored
from dockwright.errors import DockwrightError, EngineUnavailable
from dockwright.release.freed import Parts, freed
from dockwright.release.leftovers import Leftover
from dockwright.release.retention import Kept, Order, Rule, expired

IMAGES, CACHE = "images", "build cache"
TITLE = "org.opencontainers.image.title"


@dataclass(frozen=True)
class Item:
    """One thing that may go. `size`: what it frees at least, after all items before it; `digest`: an image's."""

    kind: str
    name: str
    size: int
    why: str
    do: Callable[[], object] = field(repr=False, compare=False)
    digest: str = ""


@dataclass
class Outcome:
    """What was done: items that are gone, those that could not be freed and why, those that are left."""

    left: list[Item]
    gone: list[Item] = field(default_factory=list)
    failed: list[tuple[Item, DockwrightError]] = field(default_factory=list)


def run(outcome: Outcome, say: Callable[[str], None]) -> None:
    """Free what is left, one by one; `outcome` is true at any moment, so that Ctrl-C can tell what is left.

    Raises EngineUnavailable; any other failure is noted, and the next item's turn comes.
    """
    while outcome.left:
        item = outcome.left[0]
        say(f"{item.kind}: {item.name}")
        try:
            item.do()
        except EngineUnavailable:
            raise
        except DockwrightError as error:
            outcome.failed.append((item, error))
        else:
            outcome.gone.append(item)
        outcome.left.pop(0)


@dataclass(frozen=True)
class Cache:
    """An engine's build cache: what of it has not been used for so many hours."""

    records: Sequence[Cached]
    hours: int
    now: datetime

    @property
    def going(self) -> list[Cached]:
        return [one for one in self.records if not one.in_use and self._unused(one) >= self.hours]

    def _unused(self, record: Cached) -> float:
        used = datetime.fromisoformat(record.used) if record.used else self.now
        return (self.now - used.astimezone(UTC)).total_seconds() / 3600

    @property
    def whole(self) -> bool:
        """Whether all of it goes."""
        return len(self.going) == len(self.records)

    def least(self, on_disk: int) -> int:
        """What its going frees at least: what stays holds no more than its records say."""
        staying = sum(one.size for one in self.records) - sum(one.size for one in self.going)
        return max(0, on_disk - staying) if self.going else 0


def cache(docker: Docker, stored: Stored, found: Cache) -> list[Item]:
    """The build cache that may go, as one item: the engine frees it as a whole."""
    if not found.going:
        return []
    why = f"not used for {found.hours // 24} days" if found.hours else "no build uses it now"
    name = f"{len(found.going)} of {len(found.records)} records"
    return [Item(CACHE, name, found.least(stored.of_cache), why, lambda: space.free_cache(docker, found.hours))]


def images(
    docker: Docker, stored: Stored, protected: Mapping[str, str], rule: Rule, order: Order, *, with_cache: bool
) -> list[Item]:
    """Images of the fleet that may go. `with_cache`: all build cache goes too, and holds nothing back."""
    chosen = {one.digest: one for one in expired(fleets(stored.images), protected, rule, order)}
    by_digest = {image.digest: image for image in stored.images}
    going = [by_digest[digest] for digest in chosen]
    staying = [_parts(image, with_cache) for image in stored.images if image.digest not in chosen]
    sizes = freed([_parts(image, with_cache) for image in going], staying)
    return [
        Item(IMAGES, _name(image), size, _why(chosen[image.digest], rule), _remover(docker, image), image.digest)
        for image, size in zip(going, sizes, strict=True)
    ]


def fleets(images: Iterable[Image]) -> list[Kept]:
    """The images that this tool built, each in the group of those that are called the same."""
    ours = [image for image in images if LABEL_INPUT in image.labels]
    return [Kept(image.labels.get(TITLE, ""), image.digest, image.tags) for image in ours]


def _parts(image: Image, with_cache: bool) -> Parts:
    return {**image.layers, **image.packed} if with_cache else image.layers


def _name(image: Image) -> str:
    return image.references[0] if image.references else image.digest[:19]


def _why(one: Kept, rule: Rule) -> str:
    if not one.tags:
        return f"{one.group}: no tag names it"
    return f"{one.group}: not of the newest {rule.keep}" + (f", before {rule.since}" if rule.since else "")


def _remover(docker: Docker, image: Image) -> Callable[[], object]:
    """The engine refuses an image that a container uses by now; nothing is forced."""
    return lambda: docker.run("image", "rm", *(image.references or (image.digest,)), timeout=600)


def state(found: Iterable[Leftover]) -> list[Item]:
    """What may go of the state directory."""
    return [Item(one.kind, one.name, one.size, one.why, one.remove) for one in found]
