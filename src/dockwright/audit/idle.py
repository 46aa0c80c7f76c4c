"""Debian packages that nothing in an image links to or runs: candidates for leaving out, never more than that. Pure.

A package is used when a program of it is run (as the service, PID 1 or the health command, by a script's first line, by
Python code that names it), or when a used package or any Python package links to a library of it; what lies in Python's
own folders is used by Python. Packages without compiled programs or libraries are data: whether anything reads them
cannot be seen, so they are not spoken of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from dockwright.audit.native import Natives
from dockwright.audit.system import Deb, Owner, System

PYTHON = re.compile(r"^/usr/lib/python3[^/]*/")


@dataclass(frozen=True)
class Idle:
    """A package that nothing uses. `wanted_by`: used packages that depend on it all the same."""

    deb: Deb
    wanted_by: tuple[str, ...]


@dataclass(frozen=True)
class Use:
    """What an image uses, starting from the programs that it is known to run."""

    system: System
    natives: Natives
    run: tuple[str, ...]

    def idle(self) -> list[Idle]:
        """The packages that nothing uses, by name."""
        active = {name for name in self.system.debs if Owner("debian", name) in self._used}
        wanted: dict[str, list[str]] = {}
        for name in sorted(active):
            for group in self.system.debs[name].depends:
                for other in group:
                    wanted.setdefault(other, []).append(name)
        return [
            Idle(deb, tuple(wanted.get(name, ())))
            for name, deb in sorted(self.system.debs.items())
            if name not in active and name in self._compiled
        ]

    @cached_property
    def _compiled(self) -> frozenset[str]:
        """Packages with something that can be linked to or run."""
        owners = map(self.system.owner, self.system.elf)
        return frozenset(owner.name for owner in owners if owner.kind == "debian")

    @cached_property
    def _used(self) -> frozenset[Owner]:
        seen = set(self._seeds())
        waiting = list(seen)
        while waiting:
            for owner in self._uses.get(waiting.pop(), ()):
                if owner not in seen:
                    seen.add(owner)
                    waiting.append(owner)
        return frozenset(seen)

    def _seeds(self) -> Iterator[Owner]:
        yield from (owner for owner in self.system.owners.values() if owner.kind != "debian")
        yield Owner()
        yield from (self.system.owner(path) for name in self.run if (path := self.system.program(name)))
        yield from (owner for path, owner in self.system.owners.items() if PYTHON.match(path))
        for call in self.system.calls:
            # What Debian's own Python names, a browser for `webbrowser`, says nothing about this image.
            if self.system.owner(call.file).kind != "debian":
                yield from map(self.system.owner, self._called(call.kind, call.name))

    def _called(self, kind: str, name: str) -> Iterable[str]:
        if kind != "library":
            path = self.system.program(name)
            return (path,) if path else ()
        return self.system.libraries(name)

    @cached_property
    def _uses(self) -> Mapping[Owner, set[Owner]]:
        """Who links to whom, and whose scripts need whose interpreter."""
        found: dict[Owner, set[Owner]] = {}
        for (path, _), target in self.natives.links.items():
            found.setdefault(self.system.owner(path), set()).add(self.system.owner(target))
        for path, line in self.system.scripts.items():
            words = line.split()
            # `#!/usr/bin/env python3` runs two programs.
            for word in words[:2] if words and words[0].endswith("/env") else words[:1]:
                if program := self.system.program(word):
                    found.setdefault(self.system.owner(path), set()).add(self.system.owner(program))
        return found
