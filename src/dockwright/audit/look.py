"""Looks into an image: a container of it runs `inside` with the image's own Python, without network, and is removed.

Only metadata of files is read, so a minute's worth of gigabytes takes seconds.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import elftools

import dockwright
from dockwright.audit import calls, elf, inside
from dockwright.engine.docker import Docker
from dockwright.errors import CommandFailed, DockwrightError

PLACE = "/dockwright-audit"
# Root, to read what only root may, and nothing beyond that; no label that makes it look like an instance.
CREATE = (
    "create",
    "--pull=never",
    "--network=none",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--user=0:0",
    "--workdir=/",
    "--label=io.dockwright.role=measured",
    f"--env=PYTHONPATH={PLACE}",
    "--env=PYTHONDONTWRITEBYTECODE=1",
    "--entrypoint=python3",
)


class Unseen(DockwrightError):
    """An image that cannot be looked into."""


def into(docker: Docker, reference: str) -> dict[str, Any]:
    """What `inside.look` says of an image. Raises Unseen where it has no Python to say it with."""
    container = docker.run(*CREATE, reference, "-m", inside.__name__).strip()
    try:
        with tempfile.TemporaryDirectory(prefix="dockwright-audit-") as folder:
            brought = Path(folder) / PLACE.strip("/")
            bring(brought)
            docker.run("cp", str(brought), f"{container}:/")
        try:
            with docker.output("start", "--attach", container) as told:
                found: dict[str, Any] = json.load(told)
        except (CommandFailed, ValueError) as error:
            said = (getattr(error, "output", "") or str(error)).strip().splitlines()
            raise Unseen(f"cannot be looked into, its Python does not answer: {said[-1] if said else ''}") from error
    finally:
        docker.run("rm", "--force", "--volumes", container, check=False)
    return found


def bring(folder: Path) -> None:
    """`inside` and what it imports, as packages of their own names."""
    for module in (dockwright, inside, elf, calls):
        source = Path(str(module.__file__))
        target = folder.joinpath(*module.__name__.split("."))
        target = target / "__init__.py" if source.name == "__init__.py" else target.with_suffix(".py")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    shutil.copytree(Path(elftools.__file__).parent, folder / "elftools", ignore=shutil.ignore_patterns("__pycache__"))
