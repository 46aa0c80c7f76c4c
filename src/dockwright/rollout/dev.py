"""Services as processes on this host, from the work tree: the same kit, the same packages, no container."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dockwright.build import baked
from dockwright.build.origin import Origin
from dockwright.engine import command
from dockwright.engine.state import dumps, state_dir, write_atomically
from dockwright.lock.python import uv
from dockwright.rollout import desired as rows_of
from dockwright.rollout.choice import reachable
from dockwright.rollout.place import LOOPBACK, Place
from dockwright.spec.model import Fleet, Instance

Say = Callable[[str], None]


@dataclass(frozen=True)
class Launch:
    """How one service is started: its command, the environment over this one's, its folder."""

    service: str
    argv: tuple[str, ...]
    env: dict[str, str]
    folder: Path


def place() -> Place:
    """Where `dev` keeps its token and desired.json: apart from what containers use."""
    return Place(state_dir() / "dev")


def instances(fleet: Fleet, names: Iterable[str], machine: str) -> list[Instance]:
    """The named services, each on the machine that is played or, where it does not run there, on its first one."""
    rows = {name: fleet.services[name].machines for name in names}
    return [Instance(name, machine if machine in machines else machines[0]) for name, machines in rows.items()]


def environment(service: str, root: Path, python: str, say: Say) -> Path:
    """The interpreter of an environment with exactly a service's locked packages, made where it is missing.

    Services whose locks are equal share one. Raises CommandFailed with uv's words.
    """
    lock = _lock(service, root)
    folder = state_dir() / "dev" / "environments" / _key(lock, root)
    interpreter = folder / "bin" / "python"
    if (folder / ".complete").is_file():
        return interpreter
    say(f"making an environment from {lock.relative_to(root)}")
    shutil.rmtree(folder, ignore_errors=True)
    # The family's own Python where this host has it; else the tool's, which the locks' wheels are made for as well.
    wanted = shutil.which(f"python{python}") or sys.executable
    command.run((uv(), "venv", "--quiet", "--python", wanted, folder))
    words = (uv(), "pip", "sync", "--quiet", "--system-certs", "--require-hashes", lock)
    command.run(words, env={"VIRTUAL_ENV": str(folder)})
    for packages in folder.glob("lib/python3*/site-packages"):
        (packages / "servicekit.pth").write_text(f"{root / 'servicekit' / 'src'}\n")
    (folder / ".complete").touch()
    return interpreter


def environments(fleet: Fleet, root: Path) -> frozenset[str]:
    """The names of the environments that services of this checkout would run in now."""
    locks = (_lock(service, root) for service in fleet.implementations)
    return frozenset(_key(lock, root) for lock in locks if lock.is_file())


def _lock(service: str, root: Path) -> Path:
    return root / "fleet" / "services" / service / "requirements.lock"


def _key(lock: Path, root: Path) -> str:
    return hashlib.sha256(lock.read_bytes() + str(root).encode()).hexdigest()[:16]


def launch(
    fleet: Fleet, instance: Instance, running: list[Instance], interpreter: Path, root: Path, origin: Origin
) -> Launch:
    """Write what an instance reads at its start, and say how it is started."""
    home = place().home / instance.machine / instance.service
    # There is no image, so nothing was digested.
    said = {"git_sha": origin.git_sha, "tag": f"{origin.tag}-dev", "input_digest": "work tree"}
    facts = baked.build_facts(fleet, instance, **said)
    write_atomically(home / "build.json", dumps(facts))
    write_atomically(home / "machine-profile.json", baked.profile(fleet, instance.machine))
    (home / "state").mkdir(parents=True, exist_ok=True)
    env = {
        "DOCKWRIGHT_BUILD": str(home / "build.json"),
        "DOCKWRIGHT_PROFILE": str(home / "machine-profile.json"),
        "DOCKWRIGHT_SBOM": str(home / "sbom.json"),
        "DOCKWRIGHT_STATE_DIR": str(home / "state"),
        "DOCKWRIGHT_RUN_DIR": str(place().run),
        "DOCKWRIGHT_SECRETS_DIR": str(place().token.parent),
        "DOCKWRIGHT_BIND": LOOPBACK,
        "DOCKWRIGHT_PEERS": json.dumps(peers(fleet, instance, running)),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    folder = root / "fleet" / "services" / instance.service
    return Launch(instance.service, (str(interpreter), "-m", "servicekit"), env, folder)


def peers(fleet: Fleet, instance: Instance, running: list[Instance]) -> dict[str, dict[str, dict[str, str]]]:
    """DOCKWRIGHT_PEERS of an instance: itself, and those of its peers that run now, on loopback."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for other in reachable(fleet, instance, running):
        row = fleet.services[other.service]
        addresses = {"url": row.port, "health_url": row.health_port}
        found.setdefault(other.service, {})[other.machine] = {
            key: f"http://{LOOPBACK}:{port}" for key, port in addresses.items()
        }
    return found


def desired(fleet: Fleet, running: list[Instance], machine: str, origin: Origin) -> dict[str, object]:
    """desired.json of the processes: no images, and loopback as everybody's address."""
    said = {"git_sha": origin.git_sha, "tag": f"{origin.tag}-dev"}
    rows = [{**rows_of.row(fleet, instance, running, LOOPBACK), **said} for instance in running]
    return rows_of.document(fleet, machine, datetime.now(UTC), said, rows)


def token(where: Place) -> None:
    """The token of processes is this user's own, in a folder that only this user opens."""
    where.prepare()
    if os.geteuid() == 0:
        os.chown(where.token, 0, 0)
