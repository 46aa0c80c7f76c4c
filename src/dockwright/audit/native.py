"""Libraries that files of an image ask for and its loader does not find. Pure."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from dockwright.audit.loader import Loader
from dockwright.audit.system import Owner, System

# What the NVIDIA driver of a machine brings into a container (nvidia-container-toolkit mounts it when it starts).
DRIVER = ("libcuda.so.", "libcudadebugger.so.", "libnvcuvid.so.", "libnvoptix.so.", "libnvidia-", "libGLX_nvidia.so.")


def is_driver(library: str) -> bool:
    """Whether a library comes with the NVIDIA driver."""
    return f"{library}.".startswith(DRIVER)


@dataclass(frozen=True)
class Lack:
    """A library that one owner's files ask for in vain. `beside`: where a package that it builds on has it.

    `version`: the library is there, and lacks this version of its interface.
    """

    owner: Owner
    library: str
    files: tuple[str, ...]
    version: str = ""
    beside: str = ""


@dataclass(frozen=True)
class Natives:
    """Every ELF file of an image, loaded as the loader would."""

    system: System

    @cached_property
    def _loads(self) -> tuple[Mapping[tuple[str, str], str], frozenset[tuple[str, str]]]:
        """(object, name) -> what was found, and what nobody finds, however the object comes to be loaded."""
        loader, found, missing = Loader(self.system), dict[tuple[str, str], str](), set[tuple[str, str]]()
        for path in self.system.elf:
            loaded = loader.load(path)
            found |= loaded.found
            missing |= loaded.missing
        return found, frozenset(missing - found.keys())

    @property
    def links(self) -> Mapping[tuple[str, str], str]:
        """(object, name) -> the file that is loaded for it."""
        return self._loads[0]

    @cached_property
    def from_driver(self) -> frozenset[str]:
        """The libraries that the machine's driver has to bring."""
        return frozenset(name for _, name in self._loads[1] if is_driver(name))

    def lacks(self) -> list[Lack]:
        """What is missing, by owner and library."""
        groups: dict[tuple[Owner, str, str], list[str]] = defaultdict(list)
        for path, name in self._loads[1]:
            if name not in self.from_driver:
                groups[self.system.owner(path), name, ""].append(path)
        for (path, name), target in self.links.items():
            gives = self.system.elf[target].gives
            for version in self.system.elf[path].wants.get(name, ()):
                if gives and version not in gives:
                    groups[self.system.owner(path), name, version].append(path)
        return [
            Lack(owner, name, tuple(sorted(files)), version, "" if version else self._beside(owner, name))
            for (owner, name, version), files in sorted(groups.items())
        ]

    def _beside(self, owner: Owner, library: str) -> str:
        """Where the same package, or one that it requires, has the library: it then loads it itself."""
        near = {owner.name, *self._required(owner.name)} if owner.kind == "python" else set()
        return next((path for path in self._named.get(library, ()) if self.system.owner(path).name in near), "")

    @cached_property
    def _named(self) -> Mapping[str, list[str]]:
        """Name -> the libraries that answer to it: their files' names, their links', their own."""
        found: dict[str, list[str]] = defaultdict(list)
        for path, elf in sorted(self.system.elf.items()):
            for name in {posixpath.basename(path), elf.soname}:
                found[name].append(path)
        return found

    def _required(self, distribution: str) -> set[str]:
        seen: set[str] = set()
        waiting = [distribution]
        while waiting:
            for name in self.system.requires.get(waiting.pop(), ()):
                if name not in seen:
                    seen.add(name)
                    waiting.append(name)
        return seen
