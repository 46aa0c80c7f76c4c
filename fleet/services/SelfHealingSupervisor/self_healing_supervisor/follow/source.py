"""Where images come from, as seen from here: the registry asked in the background, lost and found again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from self_healing_supervisor.follow import releases
from self_healing_supervisor.follow.registry import Registry, Silent
from self_healing_supervisor.follow.releases import Release
from self_healing_supervisor.words import registry_login

Found = TypeVar("Found")
Tell = Callable[[str, dict[str, Any]], None]
REMEMBERED: Final = 200


class Source:
    """One registry. Every method raises Silent while it does not answer; that, and its coming back, is told once."""

    def __init__(self, place: str, ca: str, tell: Tell) -> None:
        self.place, self.ca = place, ca
        self._registry = Registry(place, ca, registry_login())
        self._tell = tell
        self._records: dict[str, Release | None] = {}
        self.silent_since: float | None = None  # monotonic
        self.problem = ""

    async def names(self) -> list[str]:
        return await self._ask(self._registry.names)

    async def digest(self, image: str, tag: str) -> str | None:
        return await self._ask(partial(self._registry.digest, image, tag))

    async def releases(self, names: list[str]) -> list[Release]:
        """The records of some releases; one that cannot be trusted is told once, and left out."""
        for name in names:
            if name not in self._records:
                try:
                    self._records[name] = await self._ask(partial(self._registry.release, name))
                except ValueError as error:
                    self._records[name] = None
                    self._tell("release_refused", {"release": name, "why": str(error)[:300]})
        while len(self._records) > REMEMBERED:
            del self._records[next(iter(self._records))]
        return [found for name in names if (found := self._records.get(name)) is not None]

    async def _ask(self, question: Callable[[], Found]) -> Found:
        try:
            found = await asyncio.to_thread(question)
        except Silent as error:
            self.problem = str(error)
            if self.silent_since is None:
                self.silent_since = time.monotonic()
                self._tell("registry_lost", {"registry": self.place, "why": self.problem})
            raise
        if self.silent_since is not None:
            seconds = round(time.monotonic() - self.silent_since, 1)
            self.silent_since, self.problem = None, ""
            self._tell("registry_back", {"registry": self.place, "seconds": seconds})
        return found


async def next_release(
    source: Source, wanted: str, basis: float, old: list[str] | None, tried: float, failed: set[str]
) -> tuple[Release | None, list[str]]:
    """The release that this machine should go to, if any, and the names that count as old from now on.

    Only what is tagged or made after the operator's last word is new: who deployed an older release wanted that one.
    """
    names = await source.names()
    if old is None:
        made_since = {one.name for one in await source.releases(releases.recent(names, basis)) if one.created > basis}
        old = [name for name in names if name not in made_since]
    if wanted != "latest":
        found = await source.releases([wanted] if wanted in names and wanted not in failed else [])
        return (found[0] if found else None), old
    fresh = [name for name in names if name not in set(old) and name not in failed]
    return releases.newest(await source.releases(fresh), tried), old
