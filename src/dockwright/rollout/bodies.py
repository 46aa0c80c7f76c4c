"""Approved bodies: what the supervisor may ask the engine to create when a container was removed. Pure.

A body says what compose asked for of a container, in the words of the engine, and nothing that its image says or that
the engine fills in: made from another release's image, the container has that image's own command, environment and
labels. The supervisor's filter takes bodies of this shape only (`self_healing_supervisor.filter.shape`), and one that
asks for more than the fleet's containers have is refused there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

CONFIG = ("User", "StopTimeout")
HOST = (
    "Memory",
    "MemorySwap",
    "PidsLimit",
    "NanoCpus",
    "NetworkMode",
    "PortBindings",
    "LogConfig",
    "Tmpfs",
    "RestartPolicy",
    "ReadonlyRootfs",
    "CapDrop",
    "SecurityOpt",
)
# The fleet's containers have none of these. One that has was made by somebody else, and the filter refuses its body.
WEAKENED = (
    "VolumesFrom",
    "CapAdd",
    "Devices",
    "DeviceCgroupRules",
    "GroupAdd",
    "Links",
    "ExtraHosts",
    "PidMode",
    "UTSMode",
    "UsernsMode",
    "CgroupParent",
    "Sysctls",
    "Ulimits",
    "Privileged",
    "OomKillDisable",
)
IMAGE_LABEL = "com.docker.compose.image"  # the filter writes it anew where it takes another image
LABELS = tuple(f"io.dockwright.{name}" for name in ("fleet", "role", "service", "machine", "config"))


def body(inspected: dict[str, Any]) -> dict[str, object]:
    """The create request that makes an inspected container again."""
    config, host = inspected["Config"], inspected["HostConfig"]
    networks = inspected["NetworkSettings"]["Networks"]
    return {
        "Image": config["Image"] if "@sha256:" in config["Image"] else inspected["Image"],
        **_said(config, CONFIG),
        "Env": [each for each in config.get("Env") or () if each.startswith("DOCKWRIGHT_PEERS=")],
        "ExposedPorts": {port: {} for port in host.get("PortBindings") or ()},
        "Labels": {key: value for key, value in (config.get("Labels") or {}).items() if _own(key)},
        "HostConfig": {
            **_said(host, HOST),
            **_said(host, WEAKENED),
            **_mounts(host),
            **_cards(host.get("DeviceRequests") or ()),
        },
        "NetworkingConfig": {
            "EndpointsConfig": {network: _endpoint(inspected, found) for network, found in networks.items()}
        },
    }


def _said(holder: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: holder[key] for key in keys if holder.get(key) not in (None, "", [], {}, False)}


def _own(label: str) -> bool:
    return label in LABELS or label.startswith("com.docker.compose.")


def _mounts(host: Mapping[str, Any]) -> dict[str, Any]:
    """All mounts in one notation and order; compose writes some of them in the short one, and each time in another."""
    found = [_short(each) for each in host.get("Binds") or ()] + [_long(each) for each in host.get("Mounts") or ()]
    return {"Mounts": sorted(found, key=lambda each: str(each["Target"]))} if found else {}


def _short(bind: str) -> dict[str, Any]:
    source, target, *options = bind.split(":")
    kind = "bind" if source.startswith("/") else "volume"
    return {"Type": kind, "Source": source, "Target": target, "ReadOnly": "ro" in ",".join(options).split(",")}


def _long(mount: Mapping[str, Any]) -> dict[str, Any]:
    """Options that are there stay, and the filter refuses them: the fleet's mounts have none."""
    options = {key: value for key, value in mount.items() if key.endswith("Options") and value not in (None, {})}
    harmless = {"BindOptions"} if options.get("BindOptions") in ({"CreateMountpoint": False},) else set()
    kept = {key: value for key, value in options.items() if key not in harmless}
    return {
        "Type": mount["Type"],
        "Source": mount.get("Source", ""),
        "Target": mount["Target"],
        "ReadOnly": bool(mount.get("ReadOnly")),
        **kept,
    }


def _cards(requests: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    found = [{key: value for key, value in each.items() if value not in (None, {}, [])} for each in requests]
    return {"DeviceRequests": found} if found else {}


def _endpoint(inspected: dict[str, Any], found: dict[str, Any]) -> dict[str, object]:
    """How the container joins a network: under the names that it is known by there, less the one made of its id."""
    names = {inspected["Name"].removeprefix("/"), *(found.get("Aliases") or ())}
    return {"Aliases": sorted(names - {inspected["Id"][:12]})}
