"""Finds libraries as ld.so does: RPATH, LD_LIBRARY_PATH, RUNPATH, the cache, the default folders. Pure.

What is not modelled: folders of hardware capabilities (glibc-hwcaps), LD_PRELOAD, dlopen with a name made at run time.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dockwright.audit.system import Elf, System

# Debian's and Ubuntu's, in the order in which their loader asks them; and the names that ldconfig has for machines.
DEFAULT = ("/lib/{}", "/usr/lib/{}", "/lib", "/usr/lib")
TRIPLETS = {"EM_X86_64 64": "x86_64-linux-gnu", "EM_AARCH64 64": "aarch64-linux-gnu"}
CACHE_KINDS = {"EM_X86_64 64": "x86-64", "EM_AARCH64 64": "AArch64"}


@dataclass
class Loaded:
    """What loading one file brings: every object with who loaded it, and each name that was not found."""

    objects: dict[str, tuple[str, ...]] = field(default_factory=dict)  # path -> who loaded it, the first loader last
    found: dict[tuple[str, str], str] = field(default_factory=dict)  # (object, name) -> path
    missing: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True)
class Loader:
    """The loader of one image."""

    system: System

    def load(self, path: str) -> Loaded:
        """Load a file and all that it needs, breadth first; what is loaded already answers to its names."""
        made = Loaded({path: ()})
        names = {posixpath.basename(path): path, self._elf(path).soname: path}
        waiting = [path]
        while waiting:
            here = waiting.pop(0)
            for name in self._elf(here).needed:
                target = names.get(name) or self.find(name, (here, *made.objects[here]))
                if target is None:
                    made.missing.add((here, name))
                    continue
                made.found[here, name] = target
                names.update({name: target, self._elf(target).soname or name: target})
                if target not in made.objects:
                    made.objects[target] = (here, *made.objects[here])
                    waiting.append(target)
        return made

    def find(self, name: str, chain: Sequence[str]) -> str | None:
        """The library of a name for the object `chain[0]`, which `chain[1]` loaded, and so on."""
        if "/" in name:
            return self._fits(self._expanded(name, chain[0]), chain[0])
        for folder in self._folders(chain):
            if target := self._fits(f"{folder}/{name}", chain[0]):
                return target
        kind = self._elf(chain[0]).kind
        cached = self.system.cache.get((name, CACHE_KINDS.get(kind, "")))
        if cached and (target := self._fits(cached, chain[0])):
            return target
        defaults = (folder.format(TRIPLETS.get(kind, "")) for folder in DEFAULT)
        return next((target for folder in defaults if (target := self._fits(f"{folder}/{name}", chain[0]))), None)

    def _folders(self, chain: Sequence[str]) -> Iterator[str]:
        asking = self._elf(chain[0])
        if not asking.runpath:
            # RPATH is inherited from who loaded the object, RUNPATH never.
            for loader in chain:
                elf = self._elf(loader)
                yield from (self._expanded(path, loader) for path in (() if elf.runpath else elf.rpath))
        yield from self.system.library_path
        yield from (self._expanded(path, chain[0]) for path in asking.runpath)

    def _expanded(self, path: str, at: str) -> str:
        origin = posixpath.dirname(at)
        triplet = TRIPLETS.get(self._elf(at).kind, "")
        for word, value in (("ORIGIN", origin), ("LIB", f"lib/{triplet}"), ("PLATFORM", "x86_64")):
            path = path.replace(f"${{{word}}}", value).replace(f"${word}", value)
        return path

    def _fits(self, path: str, asking: str) -> str | None:
        real = self.system.real(path)
        elf = self.system.elf.get(real)
        return real if elf is not None and elf.kind == self._elf(asking).kind else None

    def _elf(self, path: str) -> Elf:
        return self.system.elf[path]
