"""Brings an image to a machine: from its registry, or, where none gives it and this host has it, from here."""

from __future__ import annotations

from collections.abc import Callable

from dockwright.engine import find
from dockwright.engine.docker import Docker
from dockwright.errors import CommandFailed, EngineUnavailable
from dockwright.rollout.site import Site

Say = Callable[[str], None]


def bring(site: Site, reference: str, tagged: str, say: Say) -> None:
    """Bring an image to a machine unless it is there. `reference`: by digest; `tagged`: by tag, as this host has it.

    Raises CommandFailed with what to do, Unreachable.
    """
    if site.docker.inspect("image", [reference]):
        return
    say(f"  {site.machine}: pulling {reference}")
    try:
        site.docker.run("pull", "--quiet", reference, timeout=3600)
    except CommandFailed as error:
        source = _own_engine()
        if source is None or source.host == site.docker.host or not source.inspect("image", [reference]):
            remedy = "./dockwright push brings images to the registry"
            raise CommandFailed(f"{reference} cannot be pulled", remedy, error.output) from error
        say(f"  {site.machine}: no registry gives it, so it is sent from here")
        source.send_image(tagged, site.docker)
        if not site.docker.inspect("image", [reference]):
            raise CommandFailed(
                f"{site.machine} does not know {tagged} by its digest after it was sent there",
                "its engine wants the containerd image store, or a registry that both machines reach",
            ) from error


def _own_engine() -> Docker | None:
    try:
        return find.running()
    except EngineUnavailable:
        return None
