"""Python locks: what is compiled for each family and service, and on top of what."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dockwright.engine import command
from dockwright.engine.state import write_atomically
from dockwright.errors import CommandFailed, DockwrightError
from dockwright.spec.model import Fleet

# Wheels for Debian 12's libc 2.36 on x86-64: both machines.
PLATFORM = "x86_64-manylinux_2_36"
KIT = Path("servicekit/requirements.in")


@dataclass(frozen=True)
class Task:
    """One lock to make: its inputs, the parent's lock that it may only add to, the file it is written to."""

    name: str
    python: str
    inputs: tuple[Path, ...]
    parent: Path | None
    target: Path


def family_inputs(fleet: Fleet, name: str, root: Path) -> tuple[Path, ...]:
    """The requirements.in files of a family and its ancestors, the oldest first."""
    chain = [Path("fleet/families") / family / "requirements.in" for family in fleet.lineage(name)]
    return tuple(path for path in chain if (root / path).is_file())


def family_lock(fleet: Fleet, name: str, root: Path) -> Path | None:
    """The nearest lock at or above a family; None where no family of the chain has Python packages."""
    for family in reversed(fleet.lineage(name)):
        path = Path("fleet/families") / family
        if (root / path / "requirements.in").is_file():
            return path / "requirements.lock"
    return None


def tasks(fleet: Fleet, root: Path) -> list[Task]:
    """Every lock of the fleet, parents before children, then the implemented services."""
    made = []
    for name in fleet.by_generation():
        folder = Path("fleet/families") / name
        if not (root / folder / "requirements.in").is_file():
            continue
        parent = fleet.families[name].parent
        above = family_lock(fleet, parent, root) if parent in fleet.families else None
        python = fleet.python_of(name)
        inputs = family_inputs(fleet, name, root)
        made.append(Task(name, python, inputs, above, folder / "requirements.lock"))
    for name in fleet.implementations:
        family = fleet.services[name].family
        folder = Path("fleet/services") / name
        own = folder / "requirements.in"
        inputs = (*family_inputs(fleet, family, root), KIT, *([own] if (root / own).is_file() else []))
        above = family_lock(fleet, family, root)
        made.append(Task(name, fleet.python_of(family), inputs, above, folder / "requirements.lock"))
    return made


def compile_command(task: Task, output: Path, upgrade: tuple[str, ...], offline: bool) -> list[str]:
    """The uv command that makes one lock; `upgrade` names packages, or is ("*",) for all."""
    words = [uv(), "pip", "compile", "--quiet", "--generate-hashes", "--no-emit-index-url", "--system-certs"]
    words += ["--python-version", task.python, "--python-platform", PLATFORM]
    words += ["--custom-compile-command", "./dockwright lock", "--output-file", str(output)]
    words += ["--constraint", str(task.parent)] if task.parent else []
    words += ["--upgrade"] if "*" in upgrade else [word for name in upgrade for word in ("--upgrade-package", name)]
    words += ["--offline"] if offline else []
    return [*words, *map(str, task.inputs)]


def make(task: Task, root: Path, upgrade: tuple[str, ...] = (), offline: bool = False) -> bool:
    """Compile one lock; returns whether the file changed. The old file stays when anything fails.

    Raises CommandFailed with the resolver's explanation.
    """
    target = root / task.target
    before = target.read_bytes() if target.is_file() else b""
    with tempfile.TemporaryDirectory(prefix="dockwright-lock-") as home:
        output = Path(home) / "requirements.lock"
        output.write_bytes(before)
        # Resolving can run build code of source distributions: it gets a home that is thrown away.
        cache = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv")
        done = command.run(
            compile_command(task, output, upgrade, offline),
            env={"HOME": home, "UV_CACHE_DIR": cache},
            cwd=root,
            check=False,
        )
        if not done.ok:
            raise CommandFailed(f"{task.name} cannot be locked", "change its requirements.in", done.stderr.strip())
        after = output.read_bytes()
    if after == before:
        return False
    write_atomically(target, after)
    return True


def uv() -> str:
    """The uv of the tool's own environment. Raises DockwrightError where there is none."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        raise DockwrightError("uv is not in the tool's environment", "remove .venv and run ./dockwright again")
    return found
