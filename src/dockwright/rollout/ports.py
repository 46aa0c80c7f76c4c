"""Host ports: which are wanted, which are taken, and by whom."""

from __future__ import annotations

import errno
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from dockwright.errors import DockwrightError, UsageError
from dockwright.rollout.choice import Choice
from dockwright.rollout.facts import Container
from dockwright.spec.model import Fleet


@dataclass(frozen=True)
class Holder:
    """The program that listens on a port; process 0 and no name where this user is not told."""

    port: int
    process: int
    program: str

    def __str__(self) -> str:
        return f"{self.program} (process {self.process})" if self.process else "another program"


def wanted(fleet: Fleet, choice: Choice) -> dict[int, str]:
    """Port -> what it is for, of everything that runs here."""
    return {
        port: f"{instance.service} ({what})"
        for instance in choice.all
        for what, port in (
            ("service", fleet.services[instance.service].port),
            ("health", fleet.services[instance.service].health_port),
        )
    }


def held(container: Container) -> set[int]:
    """The ports that one of the fleet's own containers holds, or will any moment: the engine may be starting it."""
    host = container.inspected["HostConfig"]
    if container.state in ("exited", "created", "dead") and host["RestartPolicy"]["Name"] != "always":
        return set()
    published = (host["PortBindings"] or {}).values()
    return {int(port["HostPort"]) for ports in published for port in ports}


def busy(bind: str, ports: Iterable[int]) -> list[Holder]:
    """Of these ports those that somebody listens on, with the program that does. Raises UsageError."""
    taken = [port for port in ports if not _free(bind, port)]
    return _holders(taken) if taken else []


def _free(bind: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise UsageError(f"{bind} is no address of this host", "choose another --bind") from error
            return False
    return True


def _holders(ports: list[int]) -> list[Holder]:
    import psutil

    found = {port: Holder(port, 0, "") for port in ports}
    try:
        for one in psutil.net_connections(kind="tcp"):
            if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port in found and one.pid:
                found[one.laddr.port] = Holder(one.laddr.port, one.pid, psutil.Process(one.pid).name())
    except psutil.Error:
        pass  # This user is not told of other users' programs; the ports are taken all the same.
    return [found[port] for port in sorted(found)]


def refuse(taken: Collection[Holder], names: dict[int, str]) -> None:
    """Raise DockwrightError that names every port that is taken, what it is wanted for, and who has it."""
    if taken:
        told = ", ".join(f"{one.port} for {names[one.port]}: {one}" for one in taken)
        raise DockwrightError(
            f"ports of this host are taken: {told}",
            "end these programs (./dockwright down ends the fleet's own containers), or choose another --bind",
        )
