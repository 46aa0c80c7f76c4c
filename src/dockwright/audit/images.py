"""Built images, looked into and judged: missing libraries, programs that are not there, packages that nothing uses.

library   files of a package ask for a library that the loader does not find
program   Python code runs a program that the image has not got
idle      a Debian package that nothing links to or runs: a candidate for leaving out
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from dockwright.audit.idle import Idle, Use
from dockwright.audit.native import Lack, Natives
from dockwright.audit.system import Owner, System
from dockwright.lock.inventory import Inventory
from dockwright.spec.finding import Finding

# Where an image has what comes from the work tree.
HOMES = (
    (re.compile(r"^/app/(?P<rest>.+)$"), "fleet/services/{service}/{rest}"),
    (re.compile(r"^/usr/local/lib/python3[^/]*/dist-packages/(?P<rest>servicekit/.+)$"), "servicekit/src/{rest}"),
)
BESIDE = "its own package, or one that it requires, brings it and has to load it first"


@dataclass(frozen=True)
class Looked:
    """One built image: whose it is, the families that it stands on, and what was seen in it."""

    name: str
    lineage: tuple[str, ...]  # its family last
    system: System
    run: tuple[str, ...]

    @cached_property
    def natives(self) -> Natives:
        return Natives(self.system)

    @cached_property
    def lacks(self) -> list[Lack]:
        return self.natives.lacks()

    @cached_property
    def idle(self) -> list[Idle]:
        return Use(self.system, self.natives, self.run).idle()


@dataclass(frozen=True)
class Places:
    """Where the declaration says what brought a file."""

    inventory: Inventory

    def of(self, owner: Owner, image: Looked) -> tuple[str, int]:
        """File and line of an owner's pin, in the lock that is nearest to the image."""
        if owner.kind == "python":
            for name in (image.name, *reversed(image.lineage)):
                lock = self.inventory.python_locks.get(name)
                if lock and owner.name in lock.pins:
                    return str(self.inventory.python[name].file), lock.pins[owner.name].line
        elif owner.kind == "debian" and (name := self.bringing(owner.name, image)):
            return str(self.inventory.debian[name].file), self.inventory.deb_locks[name].debs[owner.name].line
        return f"fleet/families/{image.lineage[-1]}/Dockerfile", 1

    def bringing(self, deb: str, image: Looked) -> str:
        """The root or family whose lock has a Debian package; empty where none has it."""
        root = str(self.inventory.fleet.families[image.lineage[0]].parent)
        names = (name for name in (root, *image.lineage) if name in self.inventory.deb_locks)
        return next((name for name in names if deb in self.inventory.deb_locks[name].debs), "")


@dataclass(frozen=True)
class Judge:
    """What is wrong with some images; `images`: parents before children."""

    inventory: Inventory
    images: Mapping[str, Looked]

    @cached_property
    def _places(self) -> Places:
        return Places(self.inventory)

    def findings(self, image: Looked) -> Iterator[Finding]:
        """What is wrong with an image and not already with one below it."""
        below = [self.images[name] for name in image.lineage if name in self.images and name != image.name]
        told = {(lack.owner, lack.library, lack.version) for parent in below for lack in parent.lacks}
        for lack in image.lacks:
            if (lack.owner, lack.library, lack.version) not in told:
                yield self._lack(lack, image)
        yield from self._stale(image)
        yield from self._programs(image, below)
        yield from self._own_programs(image)
        yield from self._idle(image)

    def _lack(self, lack: Lack, image: Looked) -> Finding:
        file, line = self._places.of(lack.owner, image)
        who = f"{lack.files[0]} of {lack.owner}{_more(len(lack.files) - 1)}"
        reason = self._left_out(image).get(lack.library)
        if lack.version:
            says = f"{who} needs its version {lack.version}, and the image's {lack.library} has not got it"
            return Finding("library", "error", lack.library, file, line, says)
        if lack.beside or reason:
            says = f"{who} needs it: {BESIDE if lack.beside else f'left out, {reason}'}"
            return Finding("library", "info", lack.library, file, line, says)
        says = f"{who} needs it, and the image has not got it; add the package that brings it to an apt.in, or say in "
        says += "family.toml [without_libraries] why not"
        return Finding("library", "error", lack.library, file, line, says)

    def _left_out(self, image: Looked) -> dict[str, str]:
        said = self.inventory.fleet.family_files
        found: dict[str, str] = {}
        for name in image.lineage:
            found |= said[name].without_libraries if name in said else {}
        return found

    def _stale(self, image: Looked) -> Iterator[Finding]:
        """Reasons for libraries that nothing asks for any more."""
        said = self.inventory.fleet.family_files.get(image.name)
        wanted = {lack.library for other in self.images.values() if image.name in other.lineage for lack in other.lacks}
        for library in said.without_libraries if said else ():
            if library not in wanted:
                says = "nothing in the image asks for it; take it out"
                yield Finding("library", "warning", library, said.file, said.line("without_libraries", library), says)  # type: ignore[union-attr]

    def _programs(self, image: Looked, below: list[Looked]) -> Iterator[Finding]:
        """Programs that packages run and the image lacks: they may never be run, so nothing is wrong yet."""
        told = {(call.name, call.file) for parent in below for call in parent.system.calls}
        groups: dict[tuple[str, Owner], list[str]] = defaultdict(list)
        for call in image.system.calls:
            owner = image.system.owner(call.file)
            fresh = (call.name, call.file) not in told and owner.kind == "python"
            if call.kind != "library" and fresh and not image.system.program(call.name):
                groups[call.name, owner].append(f"{call.file}:{call.line}")
        for (name, owner), places in sorted(groups.items()):
            file, line = self._places.of(owner, image)
            says = f"{owner} runs it in {places[0]}{_more(len(places) - 1)}, and the image has not got it"
            yield Finding("program", "info", name, file, line, says)

    def _own_programs(self, image: Looked) -> Iterator[Finding]:
        """Programs that the service itself runs and its image lacks."""
        for call in image.system.calls:
            file = _at_home(call.file, image.name)
            if file and call.kind == "program" and not image.system.program(call.name):
                says = "is run here, and the image has not got it; add its package to an apt.in of the family"
                yield Finding("program", "error", call.name, file, call.line, says)

    def _idle(self, image: Looked) -> Iterator[Finding]:
        """Packages that this image brings, and no image that has them uses."""
        having = [other for other in self.images.values() if image.name in (*other.lineage, other.name)]
        idle = [{one.deb.name: one for one in other.idle} for other in having]
        root = str(self.inventory.fleet.families[image.lineage[0]].parent)
        mine = {image.name, root} if image.lineage[0] == image.name else {image.name}
        for name, one in idle[0].items() if idle else ():
            if self._places.bringing(name, image) in mine and all(name in other for other in idle):
                file, line = self._places.of(Owner("debian", name), image)
                yield Finding("idle", "info", name, file, line, _unused(one))


def _at_home(path: str, service: str) -> str:
    """The file of the work tree that a path in a service's image comes from; empty where it comes from a package."""
    matches = ((pattern.match(path), home) for pattern, home in HOMES)
    return next((home.format(service=service, rest=match["rest"]) for match, home in matches if match), "")


def _unused(one: Idle) -> str:
    says = f"nothing in the images links to it or runs it ({one.deb.size / 1e6:.1f} MB)"
    if one.deb.essential:
        return f"{says}; it is essential to Debian, so only another variant of the root would leave it out"
    if one.wanted_by:
        return f"{says}; {', '.join(one.wanted_by)} depends on it"
    return f"{says}; it may be left out where nothing else that runs needs it"


def _more(number: int) -> str:
    return f" (and in {number} more)" if number > 0 else ""


def programs_run(config: Mapping[str, object]) -> Iterable[str]:
    """The programs that an image's configuration runs: entry point, command, health command."""
    words: list[str] = []
    for key in ("Entrypoint", "Cmd"):
        value = config.get(key)
        words += [str(word) for word in value][:1] if isinstance(value, list) else []
    check = config.get("Healthcheck")
    test = check.get("Test") if isinstance(check, dict) else None
    if isinstance(test, list) and len(test) > 1:
        words += ["sh", str(test[1]).split()[0]] if test[0] == "CMD-SHELL" else [str(test[1])]
    return dict.fromkeys(words)
