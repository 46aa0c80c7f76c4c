"""Families as somebody in a hurry builds them: one stage, apt and pip, nothing removed."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dockwright.build import loading, root, secrets, staging
from dockwright.build.images import FAMILIES
from dockwright.build.oci import write_layout
from dockwright.build.steps import Steps
from dockwright.cli.context import repository
from dockwright.cli.progress import Progress
from dockwright.engine import command
from dockwright.engine.docker import Docker
from dockwright.errors import UsageError
from dockwright.lock import lists
from dockwright.spec.model import Fleet

WAYS = {"naive": "", "lean": "--no-install-recommends "}
INSTALL = """\
FROM plain
RUN apt-get update && apt-get install -y {options}python3-pip {packages}
"""
PIP = """\
COPY requirements.lock /
RUN --mount=type=secret,id=ca --mount=type=secret,id=pip-conf \\
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \\
    if [ -s /run/secrets/pip-conf ]; then export PIP_CONFIG_FILE=/run/secrets/pip-conf; fi; \\
    pip install --break-system-packages --requirement /requirements.lock
"""


def packages(fleet: Fleet, family: str, checkout: Path) -> list[str]:
    """The Debian packages that a family's root and lineage ask for."""
    lineage = fleet.lineage(family)
    found = [*fleet.roots[str(fleet.families[lineage[0]].parent)].packages]
    for name in lineage:
        listed = checkout / FAMILIES / name / "apt.in"
        lines = listed.read_text().splitlines() if listed.is_file() else []
        found += [line for line in lines if line and not line.startswith("#")]
    return found


def recipe(folder: Path, fleet: Fleet, family: str, checkout: Path, options: str) -> None:
    """Write the Dockerfile that somebody in a hurry writes, and what it copies."""
    folder.mkdir()
    text = INSTALL.format(options=options, packages=" ".join(packages(fleet, family, checkout)))
    lock = checkout / FAMILIES / family / "requirements.lock"
    if lock.is_file():
        shutil.copyfile(lock, folder / lock.name)
        text += PIP
    (folder / "Dockerfile").write_text(text)


@contextmanager
def plain(docker: Docker, suite: str, say: Progress) -> Iterator[str]:
    """A Debian with apt and nothing else, as a build context; removed afterwards."""
    root.roots_dir().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="naive-", dir=root.roots_dir()) as work:
        tar = Path(work) / "root.tar"
        words = ["mmdebstrap", "--variant=apt", "--format=tar", *root.MERGED["debian"], "--include=ca-certificates"]
        say(f"a Debian {suite} with apt and nothing else")
        command.run((*words, suite, tar, *lists.sources("debian", suite)), timeout=1800)
        made = write_layout(tar, Path(work) / "layout", created="2025-08-10T00:00:00Z")
        context = loading.reference(docker, "naive", made)
        try:
            yield context
        finally:
            docker.run("image", "rm", context.removeprefix("docker-image://"), check=False)


def tag(family: str, way: str) -> str:
    return f"naive-{family}:{way}"


@contextmanager
def built(docker: Docker, fleet: Fleet, families: list[str], say: Progress) -> Iterator[list[str]]:
    """The families' naive images, built in one bake run; removed afterwards."""
    every = [(family, way) for family in families for way in WAYS]
    suites = {fleet.roots[str(fleet.families[fleet.lineage(family)[0]].parent)].suite for family in families}
    if len(suites) != 1:
        raise UsageError(f"the families stand on {', '.join(sorted(suites))}", "name those of one suite")
    with tempfile.TemporaryDirectory(prefix="dockwright-naive-") as work, plain(docker, suites.pop(), say) as context:
        folder = Path(work)
        targets = {}
        for family, way in every:
            recipe(folder / f"{family}-{way}", fleet, family, repository(), WAYS[way])
            targets[f"{family}-{way}"] = {
                "context": str(folder / f"{family}-{way}"),
                "contexts": {"plain": context},
                "args": secrets.proxies(),
                "secret": [f"id={name},src={path}" for name, path in staging.host_secrets(folder).items()],
                "tags": [tag(family, way)],
                "output": ["type=docker"],
            }
        say(f"building {len(targets)} naive images")
        definition = json.dumps({"group": {"default": {"targets": [*targets]}}, "target": targets})
        words = ("buildx", "bake", "--progress=plain", "--provenance=false", "-f", "-", "default")
        tags = [tag(*each) for each in every]
        try:
            steps = Steps({target: target for target in targets}, say)
            docker.stream(*words, on_line=steps.follow, stdin=definition)
            yield tags
        finally:
            docker.run("image", "rm", "--force", *tags, check=False)
