"""Networks of the tests' own: an engine in one has bridges, ports and a firewall that no other engine shares."""

from __future__ import annotations

import ctypes
import ipaddress
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plugins.leftovers import NAMESPACES

CLONE_NEWNET = 0x40000000


@contextmanager
def entered(name: str, *, joined: bool) -> Iterator[None]:
    """This thread, and all that it starts, in a new network namespace; without `joined` there is loopback only."""
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _ip("netns", "add", name)
        _ip("-n", name, "link", "set", "lo", "up")
        if joined:
            _join(name)
        _enter(NAMESPACES / name)
        yield
    finally:
        _set(here)
        os.close(here)


def _join(name: str) -> None:
    """Join a namespace to the network of this machine: a pair of interfaces, addresses translated on the way out.

    The addresses are of the range for tests of network devices (RFC 2544), which no real network uses.
    """
    number = os.getpid() % 2**15
    net = ipaddress.ip_network((0xC6120000 + 4 * number, 30))  # 198.18.0.0/15
    outside, inside = net.hosts()
    link = f"dwt{os.getpid()}"
    _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
    _ip("address", "add", f"{outside}/30", "dev", link)
    _ip("link", "set", link, "up")
    _ip("-n", name, "address", "add", f"{inside}/30", "dev", "eth0")
    _ip("-n", name, "link", "set", "eth0", "up")
    _ip("-n", name, "route", "add", "default", "via", str(outside))
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    said = ("-m", "comment", "--comment", name)
    for way in ("-i", "-o"):
        _run("iptables", "-I", "FORWARD", way, link, *said, "-j", "ACCEPT")
    _run("iptables", "-t", "nat", "-I", "POSTROUTING", "-s", str(net), *said, "-j", "MASQUERADE")


def _enter(namespace: Path) -> None:
    target = os.open(namespace, os.O_RDONLY)
    try:
        _set(target)
    finally:
        os.close(target)


def _set(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
