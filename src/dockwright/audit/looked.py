"""One built image that was looked into, and where the declaration says what is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from dockwright.audit.idle import Idle, Use
from dockwright.audit.native import Lack, Natives
from dockwright.audit.system import Owner, System
from dockwright.lock.inventory import Inventory


@dataclass(frozen=True)
class Looked:
    """One built image: whose it is, the families that it stands on, what was seen in it, what it runs."""

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

    def root(self, image: Looked) -> str:
        """The root that an image stands on."""
        return str(self.inventory.fleet.families[image.lineage[0]].parent)

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
        names = (name for name in (self.root(image), *image.lineage) if name in self.inventory.deb_locks)
        return next((name for name in names if deb in self.inventory.deb_locks[name].debs), "")


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
