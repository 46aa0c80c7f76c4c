"""Whether a container is an instance of this fleet, and what the filter shows of one. Pure."""

from __future__ import annotations

from typing import Any, Final

from self_healing_supervisor.filter.rules import Refused
from self_healing_supervisor.words import CONTAINER_ID, FLEET, FLEET_LABEL, INSTANCE, ROLE_LABEL

# Of an inspected container only what healing needs: no environment, no mounts, no command line.
_SHOWN: Final = ("Id", "Name", "Created", "State", "RestartCount", "Image")


def labels_of(holder: object) -> dict[str, str]:
    labels = holder.get("Labels") if isinstance(holder, dict) else None
    return labels if isinstance(labels, dict) else {}


def is_instance(labels: dict[str, str]) -> bool:
    return labels.get(FLEET_LABEL) == FLEET and labels.get(ROLE_LABEL) == INSTANCE


def full_id(container: dict[str, Any], ref: str) -> str:
    """The id to act on. Raises Refused unless `container` is what `ref` names exactly, and an instance of the fleet.

    Labels never change during a container's life and ids are never used twice, so a check by id stays true; a name
    could pass to another container between the check and the act.
    """
    found = container.get("Id")
    if not isinstance(found, str) or not CONTAINER_ID.fullmatch(found):
        raise Refused("the engine gave no usable id")
    if ref != found and container.get("Name") != f"/{ref}":
        raise Refused("the engine took the name for another container's")
    if not is_instance(labels_of(container.get("Config"))):
        raise Refused("the container is not an instance of this fleet")
    return found


def shown(container: dict[str, Any]) -> dict[str, Any]:
    """The part of an inspected container that a client may see; nested shapes stay the engine's."""
    view: dict[str, Any] = {key: container[key] for key in _SHOWN if key in container}
    networks = (container.get("NetworkSettings") or {}).get("Networks") or {}
    view["NetworkSettings"] = {
        "Networks": {name: {"IPAddress": (found or {}).get("IPAddress", "")} for name, found in networks.items()}
    }
    view["Config"] = {"Labels": labels_of(container.get("Config")), "Image": container.get("Config", {}).get("Image")}
    host = container.get("HostConfig") or {}
    view["HostConfig"] = {key: host.get(key) for key in ("Memory", "NetworkMode", "RestartPolicy")}
    return view
