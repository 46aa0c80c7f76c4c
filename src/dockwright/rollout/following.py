"""What a machine's supervisor may bring by itself: from which registry, and which release."""

from __future__ import annotations

import os
from collections.abc import Mapping

from dockwright.engine.registry import place
from dockwright.engine.registry.place import Place
from dockwright.engine.state import dumps
from dockwright.errors import UsageError
from dockwright.spec.address import Address
from dockwright.spec.model import Fleet

NEWEST = "latest"


def following(fleet: Fleet, address: Address | None, environ: Mapping[str, str] = os.environ) -> dict[str, str] | None:
    """`follow` in desired.json; None where the supervisor takes no image but those that are rolled out.

    Raises UsageError for what names no registry.
    """
    if address is None or not address.follow:
        return None
    known = _registry(fleet, address, environ)
    said = {"registry": str(known), "release": NEWEST if address.follow == "release" else address.follow}
    # The supervisor trusts what Docker here trusts: its container has no file of the host's.
    certificate = place.CERTIFICATES / known.host / "ca.crt"
    return {**said, "ca": certificate.read_text()} if certificate.is_file() else said


def login(fleet: Fleet, address: Address | None, environ: Mapping[str, str] = os.environ) -> str:
    """The login that a supervisor gets for its registry, as a file's content; empty where it gets none.

    Raises UsageError where it should have one and this host has none.
    """
    if address is None or not address.login or following(fleet, address, environ) is None:
        return ""
    from dockwright.engine.registry.login import again, credentials

    host = _registry(fleet, address, environ).host
    known = credentials(host)
    if known is None:
        raise UsageError(f"machines.toml wants a login to {host}, and this host has none", again(host))
    return dumps({"username": known.user, "password": known.password})


def _registry(fleet: Fleet, address: Address, environ: Mapping[str, str]) -> Place:
    return place.named(address.registry, environ) or place.parse(fleet.registry)
