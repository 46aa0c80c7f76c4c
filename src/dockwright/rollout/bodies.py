"""Approved bodies: what the supervisor may ask the engine to create when a container was removed. Pure.

A body says again what the engine recorded of a container that `up` made, so that the container made from it is the
same one, down to the labels by which compose knows it.
"""

from __future__ import annotations

from typing import Any

# What the engine fills in by itself for each container anew.
OWN_TO_CONTAINER = ("Hostname", "Domainname")


def body(inspected: dict[str, Any]) -> dict[str, object]:
    """The create request that makes an inspected container again."""
    config = {key: value for key, value in inspected["Config"].items() if key not in OWN_TO_CONTAINER}
    networks = inspected["NetworkSettings"]["Networks"]
    return {
        **config,
        "HostConfig": inspected["HostConfig"],
        "NetworkingConfig": {
            "EndpointsConfig": {network: _endpoint(inspected, found) for network, found in networks.items()}
        },
    }


def _endpoint(inspected: dict[str, Any], found: dict[str, Any]) -> dict[str, object]:
    """How the container joins a network: under the names that it is known by there, less the one made of its id."""
    names = {inspected["Name"].removeprefix("/"), *(found.get("Aliases") or ())}
    return {"Aliases": sorted(names - {inspected["Id"][:12]})}
