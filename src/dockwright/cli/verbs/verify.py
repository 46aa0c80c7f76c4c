"""Prove that images can be made again: build them twice and compare every digest.

The first build is the one that `build` makes, cache and all. The second one starts from nothing: in another directory,
without cache, and where this host can run one, on a second engine with an empty store. Equal digests mean equal bytes.
Where they differ, the layer is named, the first file that differs, and what differs: its mode, its owner, its size, its
content, its time. Nothing that runs is touched; both builds are thrown away.

Roots are made twice as well, from exactly the locked packages, and compared with the digest that their lock holds. A
package that cannot be had as it is locked is a failure here.

The commit and the tag are labels, and so part of an image's configuration: both builds carry this checkout's. Images of
two commits differ in their configuration even where all layers are equal.

  dockwright verify                    the CPU families that this host can build
  dockwright verify family-web         a family and its parents
  dockwright verify ServiceRegistry    a service, for each of its machines, and the families below it
  dockwright verify --json             {"identical", "builder", "seconds", "images": [{"name", "first", ...}]}

exit codes: 0 all identical, 1 something differs, a build failed or a lock cannot be kept to, 2 wrong usage, 3 no
engine, or an archive that does not answer: what does not stand on it was compared
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from dockwright.build import make, twice
from dockwright.build.planning import Asked, prepare
from dockwright.cli import chosen, names, stood_on, table
from dockwright.cli.context import repository
from dockwright.cli.progress import Progress
from dockwright.engine import find
from dockwright.spec.load import load_fleet
from dockwright.spec.model import Fleet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    names.add_arguments(parser)
    parser.add_argument("--no-install", action="store_true", help="install nothing on this host; say what is missing")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    root = repository()
    fleet = load_fleet(root / "fleet")
    named = arguments.names or ([] if arguments.machine else cpu_families(fleet, root))
    wanted = chosen.chosen(fleet, root, named, arguments.machine)
    say = Progress(quiet=arguments.json)
    docker = find.ensure(allowed=not arguments.no_install, say=say)
    asked = Asked(locked=True, install=not arguments.no_install, everything=True, files=True)
    with make.alone(say):
        planned = prepare(docker, fleet, wanted.families, wanted.instances, root, asked, say)
    report = twice.verify(docker, fleet, planned, root, say)
    if arguments.json:
        print(json.dumps({**as_json(report), **stood_on.as_json(planned)}, indent=2))
    else:
        show(report)
    return max(stood_on.tell(planned), int(not report.identical))


def cpu_families(fleet: Fleet, root: Path) -> list[str]:
    """The families without CUDA that can be built here."""
    return [name for name in chosen.makeable(fleet, root) if not fleet.carries_cuda(name)]


def as_json(report: twice.Report) -> dict[str, object]:
    """The report for programs."""
    return {
        "identical": report.identical,
        "builder": report.builder,
        "seconds": {"first": round(report.first_seconds, 1), "second": round(report.second_seconds, 1)},
        "images": [
            {
                "name": image.name,
                "identical": image.identical,
                "first": image.first,
                "second": image.second,
                "layers": image.layers,
                "differences": [
                    {"where": one.where, "path": one.path, "what": one.what, "files": one.files}
                    for one in image.differences
                ],
            }
            for image in report.images
        ],
    }


def show(report: twice.Report) -> None:
    """The report for people: a line an image, what differs, and one line that sums it up."""
    rows = [
        (image.name, "identical" if image.identical else "differs", str(image.layers), image.first[:26])
        for image in report.images
    ]
    table.show(("IMAGE", "", "LAYERS", "DIGEST"), rows)
    for image in report.images:
        for one in image.differences:
            print(f"  {one}")
    equal = sum(image.identical for image in report.images)
    times = f"{report.first_seconds:.0f} s and {report.second_seconds:.0f} s"
    print(f"\n{equal} of {len(report.images)} images identical; second build on {report.builder} ({times})")
