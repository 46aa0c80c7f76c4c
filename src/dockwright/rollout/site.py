"""A machine that a deploy reaches: its engine, its address, and where this host keeps what was rolled out to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from dockwright.engine import endpoint, volume
from dockwright.engine.docker import Docker
from dockwright.engine.state import dumps, read_json, state_dir, write_atomically
from dockwright.rollout import facts
from dockwright.rollout.choice import NO_CARD
from dockwright.rollout.compose import FLEET_LABEL, LOGIN_VOLUME, RUN_VOLUME, SECRETS_VOLUME, Host
from dockwright.rollout.place import LOOPBACK, TOKEN, Place, here
from dockwright.spec.address import Address
from dockwright.spec.model import Instance

GROUP = "import os; print(os.stat('/engine.sock').st_gid)"


@dataclass(frozen=True)
class Site:
    """One machine. `place`: for the machine that is this host, the files that its containers read themselves. `login`:
    its supervisor's login to a registry, empty for none.
    """

    machine: str
    address: Address
    docker: Docker
    place: Place
    login: str = field(default="", repr=False)

    @property
    def local(self) -> bool:
        """Whether the engine sees this host's files."""
        return self.address.local

    @property
    def asked_at(self) -> str:
        """The host name or address at which published ports answer."""
        return self.address.host or self.place.address()

    @property
    def bind(self) -> str:
        return self.address.bind or (self.address.host if _is_ip(self.address.host) else "") or self._without_address()

    def _without_address(self) -> str:
        # A name is no address to bind to, so every one is; a machine without a host is called by nobody else.
        return "0.0.0.0" if self.address.host else LOOPBACK  # noqa: S104

    @cached_property
    def info(self) -> Mapping[str, Any]:
        """What the engine says of its machine."""
        found: Mapping[str, Any] = json.loads(self.docker.run("info", "--format", "{{json .}}"))
        return found

    @property
    def cpus(self) -> int:
        return int(self.info.get("NCPU") or 1)

    @property
    def gpu(self) -> bool:
        """Whether containers can be given a card: the engine knows NVIDIA's runtime, or sees the devices itself."""
        if self.local and facts.cards():
            return True
        devices = self.info.get("DiscoveredDevices") or []
        return "nvidia" in (self.info.get("Runtimes") or {}) or any("nvidia" in str(each) for each in devices)

    @property
    def socket(self) -> Path:
        own = self.docker.socket if self.local else None
        return own.resolve() if own else Path(self.address.socket)

    def socket_group(self, image: str) -> int:
        """The group that owns the engine's socket over there: asked once, by a container of an image that is there."""
        if self.local:
            return self.socket.stat().st_gid
        known = read_json(self.place.settings) or {}
        if isinstance(known.get("socket_group"), int):
            return int(str(known["socket_group"]))
        words = ("--network=none", "--read-only", "--user=0:0", "--cap-drop=ALL", "--pull=never")
        mount = f"{self.address.socket}:/engine.sock:ro"
        group = int(
            self.docker.run("run", "--rm", *words, "--volume", mount, "--entrypoint=python3", image, "-c", GROUP)
        )
        write_atomically(self.place.settings, dumps({**known, "socket_group": group}))
        return group

    def host(self, socket_group: int, others: Mapping[Instance, str]) -> Host:
        """What decides how containers are started here."""
        place = self.place if self.local else None
        name = self.address.host or ""
        login = bool(self.login)
        return Host(self.socket, socket_group, self.cpus, self.bind, place, name, others, self.gpu, login)

    def write_secrets(self, token: str, image: str) -> None:
        """Put the fleet's token, and the supervisor's login to a registry, where containers read them."""
        self.place.prepare()
        if self.local:
            self.place.write_login(self.login)
            return
        files = {RUN_VOLUME: None, SECRETS_VOLUME: {TOKEN: token}, LOGIN_VOLUME: {"login": self.login}}
        for name, content in files.items():
            if name != LOGIN_VOLUME or self.login:
                volume.ensure(self.docker, name, {FLEET_LABEL: "dockwright"})
                if content is not None:
                    volume.replace_files(self.docker, name, image, content)

    def write_run_files(self, desired: str, bodies: Mapping[str, str], image: str) -> None:
        """Put what is desired and approved where the supervisor reads it."""
        if not self.local:
            files = {"desired.json": desired, **{f"instances/{name}.json": text for name, text in bodies.items()}}
            volume.replace_files(self.docker, RUN_VOLUME, image, files)


def reach(machine: str, address: Address, login: str = "") -> Site:
    """A machine's site. Raises EngineUnavailable where its engine does not answer."""
    return Site(machine, address, endpoint.reach(machine, address), place_of(machine, address), login)


@dataclass(frozen=True)
class Aside:
    """A machine with an address that a deploy leaves alone: what runs there is called by others as before.

    `gpu`: whether it showed a card when it was rolled out to last; taken for granted where it never was.
    """

    address: Address
    gpu: bool


def aside(machine: str, address: Address) -> Aside:
    """What is known of a machine that is not asked. Raises UnreadableInput."""
    told: Any = place_of(machine, address).read_desired() or {}
    return Aside(address, all(entry.get("why") != NO_CARD for entry in told.get("left_out") or ()))


def place_of(machine: str, address: Address) -> Place:
    """Where this host keeps what was rolled out to a machine."""
    return here() if address.local else Place(state_dir() / "rollout" / "machines" / machine)


def _is_ip(text: str | None) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address((text or "").strip("[]"))
    except ValueError:
        return False
    return True
