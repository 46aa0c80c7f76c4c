"""Docker and mmdebstrap from the distribution's own packages: what is missing, and how it gets here.

Debian 12 ships Docker 20.10 without buildx. Debian 13's Docker packages need libc 2.34 only, so they install there
from a pinned source that lets nothing else through; Debian 13's runc needs a newer libc, so runc stays Debian 12's.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dockwright.engine import command
from dockwright.engine.docker import capable_client
from dockwright.errors import DockwrightError, EngineUnavailable

DEBIAN_DOCKER = ("docker.io", "docker-cli", "docker-buildx", "docker-compose")
UBUNTU_DOCKER = ("docker.io", "docker-buildx", "docker-compose-v2")
SOURCE = Path("/etc/apt/sources.list.d/dockwright-trixie.sources")
PINS = Path("/etc/apt/preferences.d/dockwright-trixie")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
POLICY = Path("/usr/sbin/policy-rc.d")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Host:
    """What decides how packages are installed here."""

    distribution: str
    release: str
    codename: str
    root: bool
    apt: bool

    @property
    def name(self) -> str:
        return f"{self.distribution} {self.release}".strip() or "this system"

    @property
    def supported(self) -> bool:
        oldest = {"debian": 12, "ubuntu": 22}.get(self.distribution)
        return self.apt and oldest is not None and int(self.release.split(".")[0] or 0) >= oldest


@dataclass(frozen=True)
class Plan:
    """Packages to install, and whether Debian 13's archive must be let in for Docker's."""

    packages: tuple[str, ...]
    from_trixie: bool = False

    def __str__(self) -> str:
        source = " (Docker's from Debian 13's archive, pinned to these packages)" if self.from_trixie else ""
        return " ".join(self.packages) + source


def read_host(os_release: Path = Path("/etc/os-release")) -> Host:
    """The facts about this host. A missing os-release file gives an unsupported host, not an error."""
    try:
        text = os_release.read_text()
    except OSError:
        text = ""
    fields = {key: value.strip('"') for key, _, value in (line.partition("=") for line in text.splitlines())}
    return Host(
        fields.get("ID", ""),
        re.sub(r"[^\d.]", "", fields.get("VERSION_ID", "")) or "0",
        fields.get("VERSION_CODENAME", ""),
        os.geteuid() == 0,
        shutil.which("apt-get") is not None,
    )


def docker_plan(host: Host) -> Plan:
    """The packages that bring a capable engine and client on this distribution."""
    if host.distribution == "ubuntu":
        return Plan(UBUNTU_DOCKER)
    return Plan(DEBIAN_DOCKER, from_trixie=host.release.split(".")[0] == "12")


def root_plan(host: Host) -> Plan:
    """The packages that make roots: mmdebstrap, and the keys that Debian's archive is signed with."""
    return Plan(("mmdebstrap",) if host.distribution == "debian" else ("mmdebstrap", "debian-archive-keyring"))


def ensure(what: str, plan: Plan, host: Host, *, allowed: bool, say: Say) -> None:
    """Install a plan's packages, or raise EngineUnavailable that says precisely what to install."""
    remedy = f"install it: apt-get install {' '.join(plan.packages)}"
    if not host.supported:
        raise EngineUnavailable(
            f"{what} is missing, and {host.name} is not Debian 12 or newer, nor Ubuntu 22.04 or newer",
            "install Docker 25 or newer with buildx and compose, and mmdebstrap, by your system's own means",
        )
    if not host.root:
        raise EngineUnavailable(f"{what} is missing and only root can install it", f"run as root, or {remedy}")
    if not allowed:
        raise EngineUnavailable(f"{what} is missing and --no-install forbids installing it", remedy)
    say(f"{what} is missing: installing {plan}")
    apt = {"DEBIAN_FRONTEND": "noninteractive"}
    if plan.from_trixie:
        _let_trixie_in()
    try:
        command.run(("apt-get", "update", "-qq"), env=apt, timeout=600)
    except DockwrightError:
        # Never leave apt on this host worse than it was found.
        SOURCE.unlink(missing_ok=True)
        PINS.unlink(missing_ok=True)
        raise
    with _ServicesHeld():
        words = ("apt-get", "install", "-y", "-q", "--no-install-recommends", *plan.packages)
        command.stream(
            words, lambda line: say(f"  {line}") if line.startswith(("Get:", "Setting up")) else None, env=apt
        )


def ensure_client(host: Host, *, allowed: bool, say: Say) -> Path:
    """The path of a docker client with buildx and compose, installed where it is missing."""
    client = capable_client()
    if client is None:
        ensure("a Docker client with buildx and compose", docker_plan(host), host, allowed=allowed, say=say)
        client = capable_client()
    if client is None:
        raise DockwrightError("Docker's packages are installed, but no docker on PATH has buildx and compose plugins")
    return client


def _let_trixie_in() -> None:
    """Add Debian 13's archive beside this host's own mirror, pinned so that only Docker's packages come from it."""
    SOURCE.write_text(f"Types: deb\nURIs: {debian_mirror()}\nSuites: trixie\nComponents: main\nSigned-By: {KEYRING}\n")
    names = " ".join((*DEBIAN_DOCKER, "containerd"))
    PINS.write_text(
        "# Written by dockwright: Docker's packages from Debian 13, and nothing else of it.\n"
        "Package: *\nPin: release n=trixie\nPin-Priority: -1\n\n"
        f"Package: {names}\nPin: release n=trixie\nPin-Priority: 700\n"
    )


def debian_mirror() -> str:
    """The URI of this host's own Debian archive, from its apt configuration.

    Raises EngineUnavailable when apt has no Debian archive configured.
    """
    for uri, _ in debian_sources():
        if uri.rstrip("/").endswith("/debian"):
            return uri
    raise EngineUnavailable("apt on this host has no Debian archive configured", "add it to /etc/apt/sources.list")


def debian_sources() -> list[tuple[str, str]]:
    """URI and suite of every archive that apt on this host is configured with, main component first."""
    words = ("apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(COMPONENT)", "Created-By: Packages")
    done = command.run(words, check=False)
    found = [line.split("|") for line in done.stdout.splitlines() if line.endswith("|main")]
    return list(dict.fromkeys((uri, suite) for uri, suite, _ in found))


class _ServicesHeld:
    """Keeps package scripts from starting daemons where no service manager would look after them."""

    def __enter__(self) -> None:
        self.mine = not POLICY.exists() and not service_manager()
        if self.mine:
            POLICY.write_text("#!/bin/sh\nexit 101\n")
            POLICY.chmod(0o755)

    def __exit__(self, *_: object) -> None:
        if self.mine:
            POLICY.unlink(missing_ok=True)


def service_manager() -> bool:
    """Whether systemd runs this host."""
    return Path("/run/systemd/system").is_dir()
