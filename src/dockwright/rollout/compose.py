"""The compose file of a host: plain, readable, and usable with `docker compose` alone. Pure."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dockwright.rollout.choice import Choice, reachable, start_order
from dockwright.rollout.place import TOKEN, Place
from dockwright.spec.model import Fleet, Instance
from dockwright.spec.names import slug

PROJECT = "dockwright"
FLEET_LABEL = "io.dockwright.fleet"
CONFIG_LABEL = "io.dockwright.config"
RUN_VOLUME = "dockwright_run"
SECRETS_VOLUME = "dockwright_secrets"
LOGIN_VOLUME = "dockwright_registry"
FILTER = "docker-filter"
FILTER_SOCKET_FOLDER = "/run/docker-filter"
# Whether the filter answers, and the engine behind it. Seldom, once it does: each check starts a process.
FILTER_HEALTH = {
    "test": [
        *("CMD", "curl", "--silent", "--fail", "--max-time", "2", "--output", "/dev/null"),
        *("--unix-socket", f"{FILTER_SOCKET_FOLDER}/docker.sock", "http://docker/_ping"),
    ],
    "interval": "30s",
    "timeout": "3s",
    "retries": 2,
    "start_period": "10s",
    "start_interval": "500ms",
}
# Draining takes 10 s at most; two more until the engine loses patience.
GRACE = "12s"


@dataclass(frozen=True)
class Host:
    """What of a machine decides how containers are started on it.

    `socket`: its engine's socket, owned by group number `socket_group`. `bind`: the address on which ports are
    published. `name`: where other machines reach those ports; empty for a machine that nobody else calls. `place`: the
    files that containers read, where this host and the machine are one; else they lie in volumes. `others`: instances
    that run on other machines -> the host name or address that they are reached at. `gpu`: whether it has a card.
    `login`: whether its supervisor logs in to a registry.
    """

    socket: Path
    socket_group: int
    cpus: int
    bind: str
    place: Place | None
    name: str = ""
    others: Mapping[Instance, str] = field(default_factory=dict)
    gpu: bool = False
    login: bool = False


def container_name(service: str) -> str:
    """The name of a service's container, which is also its host name for peers."""
    return f"dockwright-{slug(service)}"


def render(fleet: Fleet, choice: Choice, images: Mapping[Instance, str], host: Host) -> dict[str, object]:
    """The compose file's content for everything that runs on a machine. `images`: how each image is named there."""
    services: dict[str, object] = {}
    volumes: dict[str, object] = {}
    for instance in start_order(fleet, choice.all):
        own = fleet.implementations[instance.service]
        services[slug(instance.service)] = _marked(_instance(fleet, choice, instance, images[instance], host))
        if own.state:
            volumes[_volume(instance)] = {"name": f"dockwright_{_volume(instance)}"}
        if own.docker:
            services[FILTER] = _marked(_filter(images[instance], host))
            # In memory: the socket is gone with the filter, and no other container ever sees it.
            options = {"type": "tmpfs", "device": "tmpfs", "o": "uid=10001,gid=10001,mode=0700,size=64k"}
            volumes[FILTER] = {"name": f"dockwright_{FILTER}", "driver": "local", "driver_opts": options}
    made: dict[str, object] = {
        "name": PROJECT,
        "services": services,
        "networks": {"default": {"name": "dockwright"}},
        "volumes": volumes,
    }
    if host.place:
        made["secrets"] = {TOKEN: {"file": _literal(host.place.token)}}
    else:
        # Filled before anything starts, by whoever rolls out.
        filled = (RUN_VOLUME, SECRETS_VOLUME, *([LOGIN_VOLUME] if host.login else []))
        volumes |= {name: {"name": name, "external": True} for name in filled}
    return made


def _marked(service: dict[str, Any]) -> dict[str, object]:
    """A service with a digest of how it is started: all but its image, which has a digest of its own."""
    said = json.dumps({key: value for key, value in service.items() if key != "image"}, sort_keys=True)
    digest = hashlib.sha256(said.encode()).hexdigest()
    return {**service, "labels": {**service["labels"], CONFIG_LABEL: f"sha256:{digest}"}}


def _instance(fleet: Fleet, choice: Choice, instance: Instance, image: str, host: Host) -> dict[str, Any]:
    row, own = fleet.services[instance.service], fleet.implementations[instance.service]
    running = {each.service for each in choice.all}
    mounts: list[object] = []
    if own.state:
        mounts.append(f"{_volume(instance)}:/state")
    if own.desired:
        mounts.append(_run_folder(host))
    if own.secrets and not host.place:
        mounts.append(f"{SECRETS_VOLUME}:/run/secrets:ro")
    if own.docker:
        mounts += [f"{FILTER}:{FILTER_SOCKET_FOLDER}", *_login(host)]
    waits = {slug(name): {"condition": "service_healthy"} for name in own.depends if name in running}
    if own.docker:
        waits[FILTER] = {"condition": "service_healthy"}
    made: dict[str, Any] = {
        **_confined(image, own.memory_mb, min(own.cpus, float(host.cpus)), own.pids),
        "container_name": container_name(instance.service),
        "environment": {"DOCKWRIGHT_PEERS": json.dumps(peers(fleet, choice, instance, host), sort_keys=True)},
        "ports": [f"{host.bind}:{port}:{port}" for port in (row.port, row.health_port)],
        "labels": {
            FLEET_LABEL: "dockwright",
            "io.dockwright.role": "instance",
            "io.dockwright.service": instance.service,
            "io.dockwright.machine": instance.machine,
        },
        # The supervisor brings the others back, with evidence and restraint; itself, the engine does.
        "restart": "always" if own.docker else "no",
        "stop_grace_period": GRACE,
    }
    if mounts:
        made["volumes"] = mounts
    if own.secrets and host.place:
        made["secrets"] = list(own.secrets)
    if host.gpu and fleet.needs_gpu(instance.service):
        made["deploy"] = {"resources": {"reservations": {"devices": _cards(fleet, instance.machine)}}}
    if waits:
        made["depends_on"] = waits
    return made


def _confined(image: str, memory_mb: int, cpus: float, pids: int) -> dict[str, object]:
    """What every container of the fleet is limited to."""
    return {
        "image": image,
        "pull_policy": "never",
        "user": "10001:10001",
        "read_only": True,
        "tmpfs": ["/tmp:size=16m,mode=1777,noexec,nosuid,nodev"],  # noqa: S108 - inside the container
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": f"{memory_mb}m",
        "memswap_limit": f"{memory_mb}m",
        "cpus": cpus,
        "pids_limit": pids,
        "logging": {"driver": "json-file", "options": {"max-size": "5m", "max-file": "2"}},
    }


def _run_folder(host: Host) -> object:
    """What is desired and approved, as a container sees it."""
    if host.place:
        return _bound(host.place.run, "/run/dockwright")
    return f"{RUN_VOLUME}:/run/dockwright:ro"


def _login(host: Host) -> list[object]:
    """A registry's login, for the supervisor and its filter alone."""
    if not host.login:
        return []
    return [_bound(host.place.login, "/run/registry/login") if host.place else f"{LOGIN_VOLUME}:/run/registry:ro"]


def _bound(source: Path, target: str) -> dict[str, object]:
    """A file or folder of this host, read-only; one that is missing is an error, and not made. A socket still talks."""
    bind = {"create_host_path": False}
    return {"type": "bind", "source": _literal(source), "target": target, "read_only": True, "bind": bind}


def _literal(path: Path) -> str:
    """A path in a file in which compose replaces $NAME."""
    return str(path).replace("$", "$$")


def _filter(image: str, host: Host) -> dict[str, Any]:
    """The only container that sees the engine's socket; it has no network and lets little through."""
    return {
        **_confined(image, 64, 0.5, 32),
        "container_name": f"dockwright-{FILTER}",
        "command": ["python3", "-m", "self_healing_supervisor.filter"],
        "network_mode": "none",
        "group_add": [str(host.socket_group)],
        "volumes": [
            _bound(host.socket, "/var/run/docker.sock"),
            _run_folder(host),
            f"{FILTER}:{FILTER_SOCKET_FOLDER}",
            *_login(host),
        ],
        "labels": {FLEET_LABEL: "dockwright", "io.dockwright.role": "filter"},
        "healthcheck": FILTER_HEALTH,
        "restart": "always",
    }


def peers(fleet: Fleet, choice: Choice, instance: Instance, host: Host) -> dict[str, dict[str, dict[str, str]]]:
    """DOCKWRIGHT_PEERS of an instance: where it answers itself, and each peer that it may reach and that runs."""
    where = {other: container_name(other.service) for other in choice.all} | dict(host.others)
    if host.name:
        # What it says of itself, it says to callers on other machines too.
        where[instance] = host.name
    found: dict[str, dict[str, dict[str, str]]] = {}
    for other in reachable(fleet, instance, where):
        row, name = fleet.services[other.service], _in_url(where[other])
        found.setdefault(other.service, {})[other.machine] = {
            "url": f"http://{name}:{row.port}",
            "health_url": f"http://{name}:{row.health_port}",
        }
    return found


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _cards(fleet: Fleet, machine: str) -> list[dict[str, object]]:
    """The cards that the machine's profile names, by the driver's own numbers."""
    named = str(fleet.machines[machine].profile.get("GPU_VISIBLE_DEVICES", "0"))
    numbers = [each.strip() for each in named.split(",") if each.strip()]
    return [{"driver": "nvidia", "device_ids": numbers, "capabilities": ["gpu"]}]


def _volume(instance: Instance) -> str:
    return f"{slug(instance.service)}-state"


def text(content: dict[str, object], path: Path, docker_host: str, made_by: str) -> str:
    """The file as people read it, with how to use it by hand. `made_by`: the verb, and what it was given."""
    import yaml

    command = (
        f"DOCKER_HOST={shlex.quote(docker_host)} docker compose --file {shlex.quote(str(path))} up --detach --wait"
    )
    head = f"# Made by ./dockwright {made_by}. It works without the tool:\n#   {command}\n"
    return head + yaml.safe_dump(content, sort_keys=False, width=160)
