"""CPU families against the same packages installed the naive way, built and measured on the same engine in one run.

Usage: ./dockwright build, then .venv/bin/python benchmarks/naive.py [--json] [FAMILY …]

Naive is one stage on a plain Debian, as small as Debian's slim image: `apt-get install` of the family's Debian packages
and pip, `pip install` of the family's own lock, nothing removed. apt's defaults bring what packages recommend: with pip
comes a compiler, and that is what the blueprint compares with. The column `lean` is the same with
--no-install-recommends. The goal: the median family is 55 % smaller compressed, which is what goals are measured in.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dockwright.build import layers, make, root, secrets, sharing
from dockwright.build.images import FAMILIES
from dockwright.build.present import present
from dockwright.build.steps import Steps
from dockwright.cli import table
from dockwright.cli.context import repository
from dockwright.cli.progress import Progress, megabytes
from dockwright.engine import find
from dockwright.engine.docker import Docker
from dockwright.errors import DockwrightError, UsageError
from dockwright.spec.load import load_fleet
from dockwright.spec.model import Fleet

GOAL = 55.0
WAYS = {"naive": "", "lean": "--no-install-recommends "}
INSTALL = """\
FROM plain
RUN rm -f /etc/dpkg/dpkg.cfg.d/*mmdebstrap*
RUN apt-get update && apt-get install -y {options}python3-pip {packages}
"""
PIP = """\
COPY requirements.lock /
RUN --mount=type=secret,id=ca --mount=type=secret,id=pip-conf \\
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \\
    if [ -s /run/secrets/pip-conf ]; then export PIP_CONFIG_FILE=/run/secrets/pip-conf; fi; \\
    pip install --break-system-packages --requirement /requirements.lock
"""


@dataclass(frozen=True)
class Row:
    """One family: as the tool builds it, and in each naive way."""

    family: str
    ours: sharing.Size
    naive: sharing.Size
    lean: sharing.Size


def smaller(ours: int, other: int) -> float:
    """How many per cent smaller the first is."""
    return 100 * (1 - ours / other)


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
def plain(suite: str, say: Progress) -> Iterator[str]:
    """A Debian with apt and nothing else, as a build context; removed afterwards."""
    wanted = root.Recipe("naive", suite, "apt", ("ca-certificates",))
    root.ensure_maker(allowed=False, say=say)
    made = root.make(wanted, say)
    try:
        yield made.reference
    finally:
        shutil.rmtree(made.path)
        (root.roots_dir() / f"{wanted.name}.json").unlink(missing_ok=True)


def tag(family: str, way: str) -> str:
    return f"naive-{family}:{way}"


@contextmanager
def built(docker: Docker, fleet: Fleet, families: list[str], say: Progress) -> Iterator[list[str]]:
    """The families' naive images, built in one bake run; removed afterwards."""
    every = [(family, way) for family in families for way in WAYS]
    suites = {fleet.roots[str(fleet.families[fleet.lineage(family)[0]].parent)].suite for family in families}
    if len(suites) != 1:
        raise UsageError(f"the families stand on {', '.join(sorted(suites))}", "name those of one suite")
    with tempfile.TemporaryDirectory(prefix="dockwright-naive-") as work, plain(suites.pop(), say) as context:
        folder = Path(work)
        targets = {}
        for family, way in every:
            recipe(folder / f"{family}-{way}", fleet, family, repository(), WAYS[way])
            targets[f"{family}-{way}"] = {
                "context": str(folder / f"{family}-{way}"),
                "contexts": {"plain": context},
                "args": secrets.proxies(),
                "secret": [f"id={name},src={path}" for name, path in make.host_secrets(folder).items()],
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


def measured(docker: Docker, references: list[str]) -> dict[str, sharing.Size]:
    images = layers.diff_ids(docker, references)
    sizes = layers.measure(docker, images)
    return {reference: sharing.added(digests, sizes) for reference, digests in images.items()}


def compared(names: list[str], say: Progress) -> list[Row]:
    """Build, measure and remove; every CPU family that is built where none is named."""
    checkout = repository()
    fleet = load_fleet(checkout / "fleet")
    docker = find.running()
    ours = present(docker, fleet, checkout).built
    families = [name for name in fleet.by_generation() if name in ours and not fleet.families[name].gpu]
    missing = [name for name in names if name not in families]
    if missing or not families:
        raise DockwrightError(f"no built CPU family: {', '.join(missing or fleet.families)}", "./dockwright build")
    chosen = names or families
    with built(docker, fleet, chosen, say) as tags:
        say("measuring")
        sizes = measured(docker, [*tags, *(ours[family].reference for family in chosen)])
    return [
        Row(family, sizes[ours[family].reference], sizes[tag(family, "naive")], sizes[tag(family, "lean")])
        for family in chosen
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", nargs="*", metavar="FAMILY")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        rows = compared(arguments.families, Progress(quiet=arguments.json))
    except DockwrightError as error:
        print(f"{error}; {error.remedy}\n{getattr(error, 'output', '')}", file=sys.stderr)
        return error.exit_code
    medians = {}
    for form in ("unpacked", "compressed"):
        for way in WAYS:
            each = [smaller(getattr(row.ours, form), getattr(getattr(row, way), form)) for row in rows]
            medians[f"{form}, against {way}"] = round(statistics.median(each), 1)
    if arguments.json:
        told = [{"family": row.family, **{key: vars(vars(row)[key]) for key in ("ours", *WAYS)}} for row in rows]
        print(json.dumps({"families": told, "median_percent_smaller": medians, "goal": GOAL}, indent=2))
    else:
        show(rows, medians)
    return int(medians["compressed, against naive"] < GOAL)


def show(rows: list[Row], medians: dict[str, float]) -> None:
    lines = []
    for row in rows:
        for form in ("unpacked", "compressed"):
            ours, *others = (int(getattr(size, form)) for size in (row.ours, row.naive, row.lean))
            cells = [cell for other in others for cell in (megabytes(other), f"{smaller(ours, other):.0f} %")]
            lines.append((row.family, form, megabytes(ours), *cells))
    table.show(("FAMILY", "", "OURS", "NAIVE", "SMALLER", "LEAN", "SMALLER"), lines)
    print()
    for name, percent in medians.items():
        goal = f"; the goal is {GOAL:.0f} %" if name == "compressed, against naive" else ""
        print(f"median, {name}: {percent} % smaller{goal}")


if __name__ == "__main__":
    sys.exit(main())
