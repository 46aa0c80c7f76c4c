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
import statistics
import sys
from dataclasses import dataclass

from single_stage import WAYS, built, tag

from dockwright.build import layers, sharing
from dockwright.build.present import present
from dockwright.cli import table
from dockwright.cli.context import repository
from dockwright.cli.progress import Progress, megabytes
from dockwright.engine import find
from dockwright.engine.docker import Docker
from dockwright.errors import DockwrightError
from dockwright.spec.load import load_fleet
from dockwright.spec.model import Fleet

GOAL = 55.0


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


def measured(docker: Docker, references: list[str]) -> dict[str, sharing.Size]:
    images = layers.diff_ids(docker, references)
    sizes = layers.measure(docker, images)
    return {reference: sharing.added(digests, sizes) for reference, digests in images.items()}


def comparable(fleet: Fleet, family: str) -> bool:
    """Whether somebody in a hurry would get the same packages on a plain Debian."""
    root = fleet.roots[str(fleet.families[fleet.lineage(family)[0]].parent)]
    return root.distribution == "debian" and not fleet.families[family].gpu


def compared(names: list[str], say: Progress) -> list[Row]:
    """Build, measure and remove; every CPU family that is built where none is named."""
    checkout = repository()
    fleet = load_fleet(checkout / "fleet")
    docker = find.running()
    ours = present(docker, fleet, checkout).built
    families = [name for name in fleet.by_generation() if name in ours and comparable(fleet, name)]
    missing = [name for name in names if name not in families]
    if missing or not families:
        raise DockwrightError(
            f"no built CPU family on Debian: {', '.join(missing or fleet.families)}", "./dockwright build"
        )
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
