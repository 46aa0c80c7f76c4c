"""Build the images of families and instances that the engine does not have yet, in one bake run.

An image is known by its input digest: a sha256 over its files, its locks, its arguments and its parent. Nothing is
built whose digest the engine has; then not even bake is started. Where a registry is named (--registry, or
$DOCKWRIGHT_REGISTRY), what it has with an equal digest is pulled in place of a build. An image that an earlier commit
built from equal inputs gets this commit's tag as well. `dockwright plan` shows beforehand what would be built, and why.

  dockwright build                       every implemented instance's image, and the families below them
  dockwright build family-web            a family
  dockwright build ServiceRegistry       a service, for each of its machines
  dockwright build mainpc/SystemDigitalTwin
  dockwright build --machine pc2         the instances of one machine
  dockwright build --locked              exactly what the locks pin, or nothing

Debian packages are those that the locks pin, each held against its sha256. Where the archive has moved on and neither
this host nor a snapshot has a pinned version any more, the archive as it is decides, which its distribution has signed:
the differences are told, and the images carry the label io.dockwright.not-as-locked. With --locked that is a failure.

exit codes: 0 done, 1 a build failed or --locked could not be kept to, 2 wrong usage, 3 no engine, or an archive that
does not answer: what does not stand on it was built
"""

from __future__ import annotations

import argparse
import json
from collections import Counter

from dockwright.build import make
from dockwright.build.planning import Asked
from dockwright.build.store import unpacked_sizes
from dockwright.cli import chosen, stood_on, table
from dockwright.cli.context import repository
from dockwright.cli.ensured import ensured
from dockwright.cli.progress import Progress, megabytes
from dockwright.engine.docker import Docker
from dockwright.engine.registry import place
from dockwright.spec.load import load_fleet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    chosen.add_arguments(parser)
    parser.add_argument("--locked", action="store_true", help="fail where a Debian package cannot be had as locked")
    parser.add_argument("--no-install", action="store_true", help="install nothing on this host; say what is missing")
    parser.add_argument("--registry", metavar="HOST/PATH", help="take from there what it has; $DOCKWRIGHT_REGISTRY")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    root = repository()
    fleet = load_fleet(root / "fleet")
    wanted = chosen.chosen(fleet, root, arguments.names, arguments.machine)
    say = Progress(quiet=arguments.json)
    asked = Asked(arguments.locked, not arguments.no_install, place.named(arguments.registry))
    docker, planned, built = ensured(fleet, root, wanted, asked, say)
    sizes = _sizes(docker, built)
    told = [_told(name, built, sizes) for name in built.images]
    if arguments.json:
        print(json.dumps({"seconds": round(built.seconds, 1), "images": told, **stood_on.as_json(planned)}, indent=2))
    else:
        _show(told, built)
    return stood_on.tell(planned)


def _sizes(docker: Docker, built: make.Built) -> dict[str, int]:
    """Image -> unpacked bytes, of what came now and of what that stands on."""
    came = [*built.new, *built.pulled]
    names = dict.fromkeys(name for each in came for name in (built.images[each].parent, each) if name)
    sizes = unpacked_sizes(docker, (built.of(name).reference for name in names))
    return {name: sizes[built.of(name).reference] for name in names}


def _told(name: str, built: make.Built, sizes: dict[str, int]) -> dict[str, object]:
    """What `build --json` says of an image; its own bytes are those that its parent does not have."""
    image, size = built.images[name], sizes.get(name) if built.how(name) in ("built", "pulled") else None
    return {
        "name": name,
        "built": name in built.new,
        "how": built.how(name),
        "reference": built.plan.entries[name].reference,
        "digest": built.of(name).digest,
        "input_digest": image.input_digest,
        "not_as_locked": list(image.unlocked),
        "unpacked_bytes": size,
        "own_bytes": None if size is None else size - sizes.get(image.parent or "", 0),
    }


def _show(told: list[dict[str, object]], built: make.Built) -> None:
    """A row for each image that something was done with, and one line that sums it up."""
    rows = [
        (
            str(row["name"]),
            str(row["how"]),
            *("" if row[key] is None else megabytes(int(str(row[key]))) for key in ("unpacked_bytes", "own_bytes")),
            str(row["reference"]),
        )
        for row in told
        if row["how"] != "unchanged"
    ]
    if rows:
        table.show(("IMAGE", "", "UNPACKED", "OWN LAYERS", "REFERENCE"), rows)
        print()
    counts = Counter(row[1] for row in rows)
    done = " and ".join(f"{how} {count}" for how, count in counts.items())
    said = f"{done} of {len(told)} images" if done else f"nothing to do: all {len(told)} images are there"
    print(f"{said}, in {built.seconds:.1f} s")
