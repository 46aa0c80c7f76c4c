"""A second machine for tests: an engine of its own in a network of its own, joined to the first one's by a cable."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from plugins import leftovers

from dockwright.engine import daemon
from dockwright.engine.daemon import Daemon
from dockwright.engine.docker import Docker
from engines import network

if TYPE_CHECKING:
    from engines.conftest import Machine

# Addresses of documentation (RFC 5737), which no real network uses; these networks see no others' cable.
MAIN_IP, OTHER_IP = "203.0.113.1", "203.0.113.2"
PORT = 2376
DISK = "1500m"


@dataclass(frozen=True)
class Distant(Daemon):
    """An engine that is reached over TCP with TLS, by whoever has a certificate of the same authority."""

    def config(self) -> dict[str, object]:
        names = {"tlscacert": "ca.pem", "tlscert": "server.pem", "tlskey": "server-key.pem"}
        tls = {key: str(self.certificates / name) for key, name in names.items()}
        return {**super().config(), "hosts": [self.host, f"tcp://{OTHER_IP}:{PORT}"], "tlsverify": True, **tls}

    @property
    def certificates(self) -> Path:
        return self.home.parent / "certificates"


@dataclass(frozen=True)
class Pair:
    """The second machine: its engine, seen past the cable, and what can happen to it."""

    docker: Docker
    daemon: Distant
    name: str
    machine: Machine

    def cut(self) -> None:
        """Pull the cable."""
        network._ip("link", "set", "cable", "down")

    def join(self) -> None:
        network._ip("link", "set", "cable", "up")

    def forward(self, port: int) -> None:
        """Let the second machine reach a port of the first one's loopback as one of its own."""
        there, local = ("ip", "netns", "exec", self.name), "/proc/sys/net/ipv4/conf/all/route_localnet"
        to = ("-p", "tcp", "--dport", str(port), "-j")
        target = ("DNAT", "--to-destination")
        for words in (
            ("sh", "-c", f"echo 1 > {local}"),
            ("iptables", "-t", "nat", "-A", "PREROUTING", "-i", "cable", *to, *target, f"127.0.0.1:{port}"),
            (*there, "sh", "-c", f"echo 1 > {local}"),
            (*there, "iptables", "-t", "nat", "-A", "OUTPUT", "-d", "127.0.0.1", *to, *target, f"{MAIN_IP}:{port}"),
            (*there, "iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "eth0", *to, "MASQUERADE"),
        ):
            network._run(*words)

    def kill(self) -> None:
        """End the engine at once. What it ran is left alone by that, as by a crash."""
        number = self.daemon.pid()
        assert number is not None
        os.kill(number, signal.SIGKILL)
        assert daemon._gone(number, 10)

    def start(self) -> None:
        with inside(self.name):
            daemon.start(self.daemon, self.machine.client, self.machine.say)

    @contextmanager
    def full(self) -> Iterator[None]:
        """Its disk with no room but a little."""
        found, filling = os.statvfs(self.daemon.home), self.daemon.home / "filling"
        size = found.f_bavail * found.f_frsize - 300_000
        try:
            subprocess.run(("fallocate", "--length", str(size), filling), check=True)
            yield
        finally:
            filling.unlink()

    def machines_toml(self) -> str:
        """What a user would write of the two."""
        return (
            f'[mainpc]\nengine = "local"\nhost = "{MAIN_IP}"\n\n'
            f'[pc2]\nengine = "tcp://{OTHER_IP}:{PORT}"\nhost = "{OTHER_IP}"\n'
            f'certificates = "{self.daemon.certificates}"\nsocket = "{self.daemon.socket}"\n'
        )


@contextmanager
def second_machine(machine: Machine) -> Iterator[Pair]:
    """A second engine, as long as the block runs. Its disk is small, and in memory."""
    name = f"{machine.name}-pc2"
    folder = leftovers.folders() / name
    leftovers.clear(name)
    folder.mkdir(mode=0o700)
    own = Distant(folder / "engine")
    try:
        own.home.mkdir()
        subprocess.run(("mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", own.home), check=True)
        _certificates(own.certificates)
        _cable(name)
        with inside(name):
            docker = daemon.start(own, machine.client, machine.say)
        yield Pair(docker, own, name, machine)
    finally:
        leftovers.clear(name)


def _cable(name: str) -> None:
    """A network for the second machine, which leads to the first one and nowhere else."""
    with network.entered(name, joined=False):
        pass
    network._ip("link", "add", "cable", "type", "veth", "peer", "name", "eth0", "netns", name)
    network._ip("address", "add", f"{MAIN_IP}/30", "dev", "cable")
    network._ip("link", "set", "cable", "up")
    network._ip("-n", name, "address", "add", f"{OTHER_IP}/30", "dev", "eth0")
    network._ip("-n", name, "link", "set", "eth0", "up")
    network._ip("-n", name, "route", "add", "default", "via", MAIN_IP)


def _certificates(folder: Path) -> None:
    """An authority, and a certificate of its for the engine and for whoever talks to it."""
    folder.mkdir()
    ca = ("-keyout", folder / "ca-key.pem", "-out", folder / "ca.pem", "-subj", "/CN=tests")
    _openssl("req", "-x509", *_KEY, "-days", "2", *ca, "-addext", "basicConstraints=critical,CA:TRUE")
    for end, key, usage in (("server.pem", "server-key.pem", "serverAuth"), ("cert.pem", "key.pem", "clientAuth")):
        said = folder / f"{end}.conf"
        said.write_text(f"subjectAltName=IP:{OTHER_IP}\nextendedKeyUsage={usage}\n")
        _openssl("req", *_KEY, "-subj", f"/CN={usage}", "-keyout", folder / key, "-out", folder / f"{end}.csr")
        by = ("-CA", folder / "ca.pem", "-CAkey", folder / "ca-key.pem", "-CAcreateserial", "-days", "2")
        _openssl("x509", "-req", "-in", folder / f"{end}.csr", *by, "-extfile", said, "-out", folder / end)


_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(*words: str | Path) -> None:
    done = subprocess.run(("openssl", *words), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


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
