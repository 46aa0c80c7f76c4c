"""A second machine for tests: an engine of its own in a network of its own, joined to the first one's by a cable."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plugins import leftovers

from dockwright.engine import daemon
from dockwright.engine.daemon import Daemon
from dockwright.engine.docker import Docker
from dockwright.rollout import facts
from engines import network
from engines.conftest import Machine
from engines.fleet import Fleet
from engines.standins import Checkout


@dataclass(frozen=True)
class Pair:
    """Two machines: their addresses on the cable, and the second one's engine."""

    main_ip: str
    other_ip: str
    other: Docker
    other_daemon: Daemon
    name: str

    def cut(self) -> None:
        """Pull the cable."""
        network._ip("link", "set", "cable", "down")

    def join(self) -> None:
        network._ip("link", "set", "cable", "up")

    def machines_toml(self) -> str:
        """What a user would write of the two."""
        return (
            f'[mainpc]\nengine = "local"\nhost = "{self.main_ip}"\n\n'
            f'[pc2]\nengine = "{self.other.host}"\nhost = "{self.other_ip}"\n'
            f'socket = "{self.other_daemon.socket}"\n'
        )


@contextmanager
def second_machine(machine: Machine) -> Iterator[Pair]:
    """A second engine, as long as the block runs."""
    name = f"{machine.name}-pc2"
    folder = leftovers.folders() / name
    leftovers.clear(name)
    folder.mkdir(mode=0o700)
    # Addresses of documentation (RFC 5737), which no real network uses; these networks see no others' cable.
    main_ip, other_ip = "203.0.113.1", "203.0.113.2"
    own = Daemon(folder / "engine")
    try:
        with network.entered(name, joined=False):
            pass
        network._ip("link", "add", "cable", "type", "veth", "peer", "name", "eth0", "netns", name)
        network._ip("address", "add", f"{main_ip}/30", "dev", "cable")
        network._ip("link", "set", "cable", "up")
        network._ip("-n", name, "address", "add", f"{other_ip}/30", "dev", "eth0")
        network._ip("-n", name, "link", "set", "eth0", "up")
        network._ip("-n", name, "route", "add", "default", "via", main_ip)
        with inside(name):
            docker = daemon.start(own, machine.client, machine.say)
        yield Pair(main_ip, other_ip, docker, own, name)
    finally:
        leftovers.clear(name)


@contextmanager
def inside(name: str) -> Iterator[None]:
    """This thread, and what it starts, in the network of a machine that is there."""
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        network._enter(Path("/run/netns") / name)
        yield
    finally:
        network._set(here)
        os.close(here)


@dataclass(frozen=True)
class Rollout:
    """The tool run from a checkout of its own, rolling out over two machines, and what is seen on them."""

    fleet: Fleet
    made: Checkout
    pair: Pair
    dockers: dict[str, Docker]

    @classmethod
    def of(cls, docker: Docker, pair: Pair, made: Checkout, folder: Path) -> Rollout:
        file = folder / "machines.toml"
        file.write_text(pair.machines_toml())
        fleet = Fleet(docker, made.root, {"DOCKWRIGHT_MACHINES": str(file)})
        return cls(fleet, made, pair, {"mainpc": docker, "pc2": pair.other})

    def ok(self, *words: str) -> str:
        done = self.fleet.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def json(self, *words: str, code: int = 0) -> Any:
        done = self.fleet.run(*words)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def release(self, message: str) -> str:
        """Commit what the checkout holds, build it, make a release of it; its name."""
        self.made.commit(message)
        self.ok("build")
        return str(self.json("release", "create", "--json")["release"]["name"])

    def seen(self) -> dict[str, tuple[str, str]]:
        """Instance -> its container, and since when that runs."""
        return {name: (str(each.inspected["Id"]), each.since) for name, each in self._instances()}

    def running(self) -> dict[str, str]:
        """Instance -> the release whose image it runs; empty where no release has it."""
        records = [self.json("release", "show", name, "--json") for name in self._releases()]
        found = {}
        for name, each in self._instances():
            has = [
                one["name"] for one in records if one["contents"]["instances"].get(name, {}).get("digest") == each.image
            ]
            found[name] = has[-1] if has else ""
        return found

    def _releases(self) -> list[str]:
        return [str(one["name"]) for one in self.json("release", "list", "--json")]

    def unwell(self) -> dict[str, str]:
        """Instance -> why it is not well, asked on its health port as its callers would."""
        hosts = {"mainpc": self.pair.main_ip, "pc2": self.pair.other_ip}
        services = self.made.fleet.services
        asked = {
            name: (hosts[name.partition("/")[0]], services[name.partition("/")[2]].health_port)
            for name, _ in self._instances()
        }
        return {name: health.reason for name, health in facts.ask_all(asked).items() if not health.ok}

    def _instances(self) -> list[tuple[str, facts.Container]]:
        return [
            (f"{machine}/{each.labels['io.dockwright.service']}", each)
            for machine, docker in self.dockers.items()
            for each in facts.containers(docker).values()
            if each.labels["io.dockwright.role"] == "instance"
        ]

    def clear(self) -> None:
        """Remove what was rolled out, on both machines."""
        for docker in self.dockers.values():
            names = list(facts.containers(docker))
            if names:
                docker.run("rm", "--force", "--volumes", *names, timeout=120)
        self.fleet.run("down", "--keep-engine", "--delete-state")
