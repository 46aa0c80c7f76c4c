"""How large the images are that the engine has: unpacked, compressed, and what they share with each other.

Unpacked are the layers as tar files. Compressed is what a registry transfers: the stored layers where the engine keeps
them in gzip; a layer that it keeps plain (a root) is compressed here with gzip at level 6, once. Packages is what an
image's Debian and Python packages weigh as they are published: no image gets far below that. Unique are the layers that
no other image of the fleet has, shared all others. Families are held against their budgets: budget_mb of their
family.toml, else the blueprint's goal. The exit code is 1 where one is over.

  dockwright sizes                          every family and instance
  dockwright sizes family-web               a family, a service, or machine/service
  dockwright sizes base-utils --packages    where the bytes of one image go, the largest first
  dockwright sizes --rewritten              files that a layer stores once more, unchanged; exit code 1 where some do
  dockwright sizes --disk                   where this host's disk went, and what prune would free
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from dockwright.build import contents, layers, rewritten, sharing
from dockwright.build.present import Present, present
from dockwright.cli import sized, table
from dockwright.cli.context import repository
from dockwright.cli.progress import Progress, megabytes
from dockwright.engine import find
from dockwright.engine.docker import Docker
from dockwright.engine.state import state_dir
from dockwright.errors import UsageError
from dockwright.lock.inventory import Inventory
from dockwright.lock.sizes import budget
from dockwright.spec.load import load_fleet
from dockwright.spec.model import Fleet
from dockwright.spec.names import did_you_mean


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="families, services or machine/service")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--packages", action="store_true", help="where the bytes of one image go")
    what.add_argument("--rewritten", action="store_true", help="files that a layer below has with the same content")
    what.add_argument("--disk", action="store_true", help="where the disk went: engine and state directory")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    if arguments.disk:
        return _disk(arguments)
    root = repository()
    fleet = load_fleet(root / "fleet")
    names = asked(fleet, arguments.names)
    docker = find.running()
    seen = present(docker, fleet, root)
    if arguments.packages:
        return _packages(docker, seen, names, as_json=arguments.json)
    if arguments.rewritten:
        return _rewritten(docker, seen, names, as_json=arguments.json)
    sizes = measured(docker, seen, layers.notes(), Progress(quiet=arguments.json))
    budgets = {name: budget(fleet, name) for name in fleet.by_generation()}
    packages = {name: size.whole for name, size in Inventory(fleet, root, {}).sizes.items()}
    told = sized.Told(sizes, names, budgets, packages, seen.absent)
    if arguments.json:
        print(json.dumps(told.as_json(), indent=2))
    else:
        table.show(sized.COLUMNS, told.rows())
        print(told.closing())
    return int(bool(told.over))


def asked(fleet: Fleet, names: list[str]) -> list[str]:
    """The images that some names mean, in the order of the declaration; all where there is none."""
    every = [*fleet.by_generation(), *(each.name for each in fleet.instances())]
    wanted = {fleet.lineage(name)[-1] for name in names if name in fleet.families}
    wanted |= {each.name for each in fleet.instances() if each.service in names or each.name in names}
    known = [*every, *fleet.services, *fleet.families]
    for name in names:
        if name not in known:
            raise UsageError(f"no image is called {name}{did_you_mean(name, known)}")
    return [name for name in every if name in wanted or not names]


def measured(docker: Docker, seen: Present, notes: Path, say: Progress) -> sharing.Measured:
    """Every image that is built, whatever was asked for: what is shared depends on all of them."""
    by_reference = layers.diff_ids(docker, [found.reference for found in seen.built.values()])
    known = layers.noted(notes)
    new = {layer for digests in by_reference.values() for layer in digests} - known.keys()
    if new:
        say(f"measuring {len(new)} layers")
    found = layers.measure(docker, by_reference, known)
    layers.note(notes, found)
    return sharing.Measured({name: by_reference[image.reference] for name, image in seen.built.items()}, found)


def _packages(docker: Docker, seen: Present, names: list[str], *, as_json: bool) -> int:
    if len(names) != 1:
        raise UsageError("--packages looks into one image", f"name one of {', '.join(names[:5])}")
    if names[0] not in seen.built:
        raise UsageError(f"{names[0]} is {seen.absent[names[0]]}", f"./dockwright build {names[0]}")
    image = seen.built[names[0]]
    parts = contents.of_image(docker, image.reference)
    if as_json:
        told = [{"kind": part.kind, "name": part.name, "bytes": part.size, "files": part.files} for part in parts]
        print(json.dumps({"image": names[0], "reference": image.reference, "parts": told}, indent=2))
        return 0
    rows = [(sized.amount(part.size), str(part.files), part.kind, part.name) for part in parts]
    table.show(("SIZE", "FILES", "KIND", "NAME"), rows)
    print(f"\n{names[0]}: {megabytes(sum(part.size for part in parts))} in {sum(part.files for part in parts)} files")
    return 0


def _rewritten(docker: Docker, seen: Present, names: list[str], *, as_json: bool) -> int:
    images = {name: seen.built[name].reference for name in names if name in seen.built}
    Progress(quiet=as_json)(f"reading the layers of {len(images)} images")
    found = rewritten.find(docker, images)
    if as_json:
        absent = {name: seen.absent[name] for name in names if name in seen.absent}
        print(json.dumps({"rewritten": [asdict(one) for one in found], "images": images, "absent": absent}, indent=2))
        return int(bool(found))
    rows = [(sized.amount(one.size), one.image, one.path, one.layer, one.below, one.how) for one in found]
    if rows:
        table.show(("SIZE", "IMAGE", "FILE", "STORED AGAIN BY", "ALREADY IN", "DIFFERS IN"), rows)
    wasted = megabytes(sum(one.size for one in found))
    print(f"{len(found) or 'no'} files of {len(images)} images are stored once more, unchanged: {wasted}")
    return int(bool(found))


def _disk(arguments: argparse.Namespace) -> int:
    """What `prune` frees as it is by default stands beside what there is."""
    from dockwright.cli import spaced
    from dockwright.cli.verbs import prune
    from dockwright.release import freeing

    if arguments.names:
        raise UsageError("--disk looks at the whole host, not at one image")
    asked = freeing.Asked(freeing.HERE, prune.KEEP, 0, datetime.now(UTC))
    found = freeing.found(find.running(), prune.host(), asked, Progress(quiet=True))
    used = spaced.Used(found, state_dir())
    if arguments.json:
        print(json.dumps(used.as_json(), indent=2))
    else:
        used.show()
    return 0
