"""Looks at this host, and says what may go of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from dockwright.build.origin import commit_times
from dockwright.build.present import present
from dockwright.engine import space
from dockwright.engine.docker import Docker
from dockwright.engine.registry.place import Place
from dockwright.engine.space import Stored
from dockwright.release import health, leftovers, protected, prune
from dockwright.release.prune import Cache, Item
from dockwright.release.retention import Order, Rule
from dockwright.release.shelf import Shelf
from dockwright.spec.model import Fleet

Say = Callable[[str], None]
IMAGES, CACHE, STATE, REGISTRY = "images", "cache", "state", "registry"
HERE = (IMAGES, CACHE, STATE)
KINDS = (*HERE, REGISTRY)


@dataclass(frozen=True)
class Asked:
    """What is to be freed: which kinds, how many images of a group stay, and what is too young, in days."""

    kinds: Collection[str]
    keep: int
    days: int
    now: datetime

    @property
    def rule(self) -> Rule:
        return Rule(self.keep, (self.now - timedelta(days=self.days)).date() if self.days else None)


@dataclass(frozen=True)
class Host:
    """What of this host decides what may go. `running`: instance -> the image that should run here.

    `held`: digest -> why, of images that somebody has pinned.
    """

    fleet: Fleet
    root: Path
    shelf: Shelf
    running: Mapping[str, str]
    held: Mapping[str, str]
    environments: Collection[str]
    registry: Place


@dataclass(frozen=True)
class Found:
    """What may go, and why other images stay: digest -> reason. `stored` is None where no engine was asked."""

    items: Sequence[Item]
    stays: Mapping[str, str] = field(default_factory=dict)
    stored: Stored | None = None


def found(docker: Docker | None, host: Host, asked: Asked, say: Say) -> Found:
    """Everything that may go on this host. Raises UnreadableInput where a release cannot be read: it might need it."""
    items: list[Item] = []
    stays: dict[str, str] = {}
    stored = None
    if docker is not None:
        stored = space.read(docker)
        stays = protections(docker, host, stored)
        cache = Cache(stored.cache, asked.days * 24, asked.now)
        order = Order(commit_times(host.root))
        if IMAGES in asked.kinds:
            with_cache = CACHE in asked.kinds and cache.whole
            items += prune.images(docker, stored, stays, asked.rule, order, with_cache=with_cache)
        if CACHE in asked.kinds:
            items += prune.cache(docker, stored, cache)
        if REGISTRY in asked.kinds:
            from dockwright.release import remote  # HTTP is slow to import

            items += remote.items(host.registry, host.fleet, stays, asked.rule, order, say)
    if STATE in asked.kinds:
        now = asked.now.timestamp()
        items += prune.state(leftovers.leftovers(host.fleet, host.root, host.environments, asked.days, now))
    return Found(items, stays, stored)


def protections(docker: Docker, host: Host, stored: Stored) -> dict[str, str]:
    """Digest -> why that image stays."""
    built = present(docker, host.fleet, host.root).built.values()
    return protected.digests(
        host.shelf.all(),
        health.read(host.shelf),
        running=host.running,
        used=[one.image for one in stored.containers],
        built=[image.digest for image in built],
        held=host.held,
    )
