"""Brings an image to a machine: from the registry that the user names, else from here, else from the fleet's own."""

from __future__ import annotations

from collections.abc import Callable, Collection

from dockwright.engine import find
from dockwright.engine.command import NO_ROOM
from dockwright.engine.docker import Docker
from dockwright.engine.registry.place import Place
from dockwright.errors import CommandFailed, EngineUnavailable
from dockwright.rollout.site import Site

Say = Callable[[str], None]


def absent(site: Site, references: Collection[str]) -> list[str]:
    """Those of some images, named by digest, that a machine does not show at once; asked all together."""
    shown = site.docker.inspect("image", list(references))
    there = {str(name) for one in shown for name in one.get("RepoDigests") or ()}  # type: ignore[attr-defined]
    return [each for each in references if each not in there]


def bring(site: Site, reference: str, tagged: str, registry: Place | None, say: Say) -> None:
    """Bring an image to a machine unless it is there.

    `reference`: by digest; `tagged`: by tag, as this host has it; `registry`: where the user keeps images, if anywhere.
    Raises CommandFailed with what to do, Unreachable.
    """
    if site.docker.inspect("image", [reference]):
        return
    repository, _, digest = reference.partition("@")
    why: list[CommandFailed] = []
    if registry and _pulled(site, f"{registry.below(repository.rpartition('/')[2])}@{digest}", tagged, say, why):
        return
    source = _own_engine()
    if source and source.host != site.docker.host and source.inspect("image", [reference]):
        say(f"  {site.machine}: {tagged} is sent from here{', as no registry gives it' if why else ''}")
        try:
            source.send_image(tagged, site.docker)
        except CommandFailed as error:
            if NO_ROOM.search(error.output):
                raise _full(site, tagged, error) from error
            raise
        if not site.docker.inspect("image", [reference]):
            raise CommandFailed(
                f"{site.machine} does not know {tagged} by its digest after it was sent there",
                "its engine wants the containerd image store, or a registry that both machines reach",
            )
        return
    if not registry and _pulled(site, reference, tagged, say, why):
        return
    remedy = "./dockwright push, where it was built, brings it to the registry"
    raise CommandFailed(
        f"{tagged} ({digest[:19]}) is not on {site.machine}, nor here, and no registry gives it", remedy, why[0].output
    )


def _pulled(site: Site, reference: str, tagged: str, say: Say, why: list[CommandFailed]) -> bool:
    """Whether a registry gives an image; where not, `why` is told."""
    say(f"  {site.machine}: pulling {reference}")
    try:
        site.docker.run("pull", "--quiet", reference, timeout=3600)
    except CommandFailed as error:
        if NO_ROOM.search(error.output):
            raise _full(site, tagged, error) from error
        why.append(error)
        return False
    site.docker.run("tag", reference, tagged)
    return True


def _full(site: Site, tagged: str, error: CommandFailed) -> CommandFailed:
    says = f"the disk of {site.machine} is full: {tagged} does not fit"
    return CommandFailed(
        says, f"./dockwright prune there, or make room; ./dockwright doctor {site.machine}", error.output
    )


def _own_engine() -> Docker | None:
    try:
        return find.running()
    except EngineUnavailable:
        return None
