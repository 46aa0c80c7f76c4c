"""Built images, judged: missing libraries, programs that are not there, packages that nothing uses.

library   files of a package ask for a library that the loader does not find
program   Python code runs a program, or opens a library by its name, that the image has not got
idle      a Debian package that nothing links to or runs: a candidate for leaving out
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from dockwright.audit import called
from dockwright.audit.idle import Idle
from dockwright.audit.looked import Looked, Places
from dockwright.audit.native import Lack
from dockwright.audit.system import Owner
from dockwright.lock.inventory import Inventory
from dockwright.spec.finding import Finding

# Library -> the packages of a root's distribution that have it; a library that nobody was asked about is not in it.
Known = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Judge:
    """What is wrong with some images; `images`: parents before children. `debs`: root -> what brings libraries."""

    inventory: Inventory
    images: Mapping[str, Looked]
    debs: Mapping[str, Known] = field(default_factory=dict)

    @cached_property
    def places(self) -> Places:
        return Places(self.inventory)

    def missing(self, image: Looked) -> list[Lack]:
        """Libraries that an image lacks for no reason that anybody gave."""
        return [lack for lack in self._fresh(image) if not (lack.beside or lack.library in self._left_out(image))]

    def findings(self, image: Looked) -> Iterator[Finding]:
        """What is wrong with an image and not already with one below it."""
        missing = self.missing(image)
        yield from (self._missing(lack, image) for lack in missing)
        yield from self._there_or_left_out([lack for lack in self._fresh(image) if lack not in missing], image)
        yield from self._broken(image)
        yield from self._stale(image)
        yield from called.by_packages(image, self._below(image), self.places)
        yield from called.by_service(image)
        yield from self._idle(image)

    def _below(self, image: Looked) -> list[Looked]:
        return [self.images[name] for name in image.lineage if name in self.images and name != image.name]

    def _fresh(self, image: Looked) -> list[Lack]:
        told = {(lack.owner, lack.library, lack.version) for parent in self._below(image) for lack in parent.lacks}
        return [lack for lack in image.lacks if (lack.owner, lack.library, lack.version) not in told]

    def _missing(self, lack: Lack, image: Looked) -> Finding:
        file, line = self.places.of(lack.owner, image)
        if lack.version:
            says = f"{_who(lack)} needs its version {lack.version}, and the image's {lack.library} has not got it"
            return Finding("library", "error", lack.library, file, line, says)
        root = self.places.root(image)
        debs = self.debs.get(root, {}).get(lack.library)
        brings = "which package brings it is not known here" if debs is None else f"no package of {root} brings it"
        brings = f"{' or '.join(debs)} brings it" if debs else brings
        says = f"{_who(lack)} needs it, and the image has not got it ({brings}): add it to an apt.in, or say in "
        return Finding("library", "error", lack.library, file, line, f"{says}family.toml [without_libraries] why not")

    def _there_or_left_out(self, lacks: list[Lack], image: Looked) -> Iterator[Finding]:
        groups: dict[tuple[Owner, str], list[Lack]] = defaultdict(list)
        for lack in lacks:
            groups[lack.owner, "" if lack.beside else self._left_out(image)[lack.library]].append(lack)
        for (owner, reason), group in groups.items():
            file, line = self.places.of(owner, image)
            why = (
                f"left out, {reason}" if reason else "a package that it builds on has it, and has to be imported first"
            )
            names = ", ".join(lack.library for lack in group)
            yield Finding("library", "info", names, file, line, f"{_who(group[0])} needs it: {why}")

    def _left_out(self, image: Looked) -> dict[str, str]:
        said = self.inventory.fleet.family_files
        found: dict[str, str] = {}
        for name in image.lineage:
            found |= said[name].without_libraries if name in said else {}
        return found

    def _broken(self, image: Looked) -> Iterator[Finding]:
        for path, why in image.system.broken.items():
            if not any(path in parent.system.broken for parent in self._below(image)):
                file, line = self.places.of(image.system.owner(path), image)
                yield Finding("library", "warning", path, file, line, f"begins like a compiled file and is none: {why}")

    def _stale(self, image: Looked) -> Iterator[Finding]:
        """Reasons for libraries that nothing asks for any more."""
        said = self.inventory.fleet.family_files.get(image.name)
        if said is None:
            return
        wanted = {lack.library for other in self.images.values() if image.name in other.lineage for lack in other.lacks}
        for library in said.without_libraries.keys() - wanted:
            says = "nothing in the image asks for it; take it out"
            yield Finding("library", "warning", library, said.file, said.line("without_libraries", library), says)

    def _idle(self, image: Looked) -> Iterator[Finding]:
        """Packages that this image brings, and no image that has them uses."""
        having = [other for other in self.images.values() if image.name in (*other.lineage, other.name)]
        idle = [{one.deb.name: one for one in other.idle} for other in having]
        mine = {image.name, self.places.root(image)} if image.lineage[0] == image.name else {image.name}
        for name, one in idle[0].items() if idle else ():
            if self.places.bringing(name, image) in mine and all(name in other for other in idle):
                file, line = self.places.of(Owner("debian", name), image)
                yield Finding("idle", "info", name, file, line, _unused(one))


def _who(lack: Lack) -> str:
    more = len(lack.files) - 1
    return f"{lack.files[0]} of {lack.owner}{f' (and {more} more of its files)' if more else ''}"


def _unused(one: Idle) -> str:
    says = f"nothing in the images links to it or runs it ({one.deb.size / 1e6:.1f} MB)"
    if one.deb.essential:
        return f"{says}; it is essential to Debian, so only another variant of the root would leave it out"
    if one.wanted_by:
        return f"{says}; {', '.join(one.wanted_by)} depends on it"
    return f"{says}; it may be left out where nothing else that runs needs it"
