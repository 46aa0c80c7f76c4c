"""What is in a built image, as its bill of materials says: packages, their licences, and who brought them.

The document lies in the image itself, at /etc/dockwright/sbom.json, and is read without running it. It speaks of the
image's file system alone: equal packages give an equal document on every machine and from every commit. Which commit
an image was built from is said by its labels.

  dockwright sbom family-web               the packages of a family's image
  dockwright sbom ServiceRegistry          those of a service's
  dockwright sbom base-cpu-pydeps --all    with what packages hold inside of themselves: crates, C libraries
  dockwright sbom ServiceRegistry --json   the document itself: CycloneDX 1.6, for scanners
"""

from __future__ import annotations

import argparse
from collections import Counter

from dockwright.build import sbom
from dockwright.build.present import present
from dockwright.build.sbom import Sbom
from dockwright.cli import table
from dockwright.cli.context import repository
from dockwright.cli.verbs.sizes import asked
from dockwright.engine import find
from dockwright.errors import DockwrightError
from dockwright.release.bills import of_image
from dockwright.spec.load import load_fleet

# A package's sources may be under dozens of licences.
LONG = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a family, a service or machine/service")
    parser.add_argument("--all", action="store_true", help="also what packages hold inside of themselves")
    parser.add_argument("--json", action="store_true", help="the document itself")


def run(arguments: argparse.Namespace) -> int:
    root = repository()
    fleet = load_fleet(root / "fleet")
    names = asked(fleet, [arguments.name])
    docker = find.running()
    seen = present(docker, fleet, root)
    built = [name for name in names if name in seen.built]
    if not built:
        raise DockwrightError(f"{names[0]} is {seen.absent[names[0]]}", f"./dockwright build {arguments.name}")
    data = of_image(docker, seen.built[built[0]].reference)
    if arguments.json:
        print(data.decode(), end="")
    else:
        show(sbom.read(data, built[0]), len(data), everything=arguments.all)
    return 0


def show(bill: Sbom, size: int, *, everything: bool) -> None:
    """A line a package, and one that sums them up."""
    told = [one for one in bill.components if everything or not one.within]
    table.show(
        ("NAME", "VERSION", "KIND", "BROUGHT BY", "LICENCE"),
        [(one.name, one.version, one.kind, one.family, _cut(one.licence)) for one in told],
    )
    packages = Counter(one.kind for one in bill.components if not one.within)
    held = sum(1 for one in bill.components if one.within)
    counted = ", ".join(f"{count} {kind}" for kind, count in sorted(packages.items()))
    whole = f"{sum(packages.values())} packages ({counted})"
    print(f"\n{bill.name}, {bill.distribution}: {whole}{f', {held} more within them' if held else ''}")
    print(f"{bill.digest}, {size / 1e3:.0f} kB")


def _cut(text: str) -> str:
    return text if len(text) <= LONG else f"{text[: LONG - 1]}…"
