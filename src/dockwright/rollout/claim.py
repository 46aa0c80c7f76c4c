"""The deploy lock of a machine: one deploy at a time, from whichever host it comes.

It is a network of the machine's engine: making one is atomic, needs no image, and outlives the tool and the engine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dockwright.engine.docker import Docker
from dockwright.errors import CommandFailed, DockwrightError
from dockwright.rollout.journal import who

NAME = "dockwright-deploy-lock"
LABEL = "io.dockwright.lock"
BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Claim:
    """Who holds a machine, since when and what for. `boot` and `process` tell whether that is still at work."""

    who: str
    why: str
    since: str
    boot: str
    process: str

    @property
    def abandoned(self) -> bool:
        """Whether its holder is known to be gone: it ran on this host, and its process, or that boot, has ended."""
        if self.boot != _boot_or_host():
            return False
        return _started(self.process.partition(" ")[0]) != self.process.partition(" ")[2]


@contextmanager
def claimed(machine: str, docker: Docker, why: str) -> Iterator[None]:
    """Hold a machine. Raises DockwrightError with the holder where it is held; what a dead one left is taken over."""
    mine = Claim(who(), why, datetime.now(UTC).isoformat(timespec="seconds"), _boot_or_host(), _this_process())
    if not _make(docker, mine):
        held = holder(docker)
        if held is not None and not held.abandoned:
            raise DockwrightError(
                f"{machine} is held by {held.who} since {held.since}: {held.why}",
                f"wait for it; if that host is gone for good: DOCKER_HOST={docker.host} docker network rm {NAME}",
            )
        release(docker)
        if not _make(docker, mine):
            raise DockwrightError(f"{machine} was taken by another deploy just now", "run the command again later")
    try:
        yield
    finally:
        # A machine that is out of reach now knows by this process's end that nobody holds it any more.
        with suppress(DockwrightError):
            release(docker)


def holder(docker: Docker) -> Claim | None:
    """Who holds a machine; None where nobody does."""
    found = docker.inspect("network", [NAME])
    if not found:
        return None
    labels = found[0].get("Labels")
    words = labels if isinstance(labels, dict) else {}
    return Claim(*(str(words.get(f"{LABEL}.{key}", "")) for key in ("who", "why", "since", "boot", "process")))


def release(docker: Docker) -> None:
    docker.run("network", "rm", NAME, check=False)


def _make(docker: Docker, claim: Claim) -> bool:
    labels = [f"--label={LABEL}.{key}={value}" for key, value in vars(claim).items()]
    try:
        docker.run("network", "create", "--internal", *labels, NAME)
    except CommandFailed as error:
        if "already exists" in error.output:
            return False
        raise
    return True


def _boot_or_host() -> str:
    return BOOT.read_text().strip() if BOOT.is_file() else os.uname().nodename


def _this_process() -> str:
    return f"{os.getpid()} {_started(str(os.getpid()))}"


def _started(process: str) -> str:
    """When a process of this host was started, in the kernel's own count; empty where there is none."""
    try:
        return Path(f"/proc/{int(process)}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, ValueError, IndexError):
        return ""
