"""Builds what `dockwright build` asks for, and tells what was done with each image."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from concurrent.futures import Future

from dockwright.build import make
from dockwright.build.planning import Asked
from dockwright.build.store import unpacked_sizes
from dockwright.cli import chosen, stood_on, table
from dockwright.cli.context import repository
from dockwright.cli.ensured import ensured
from dockwright.cli.progress import Progress, megabytes
from dockwright.engine import find
from dockwright.engine.docker import Docker
from dockwright.engine.registry import place
from dockwright.spec.load import load_fleet


def run(arguments: argparse.Namespace, engine: Future[find.Seen]) -> int:
    root = repository()
    fleet = load_fleet(root / "fleet")
    wanted = chosen.chosen(fleet, root, arguments.names, arguments.machine)
    say = Progress(quiet=arguments.json)
    asked = Asked(arguments.locked, not arguments.no_install, place.named(arguments.registry))
    docker, planned, built = ensured(fleet, root, wanted, asked, say, engine.result())
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
