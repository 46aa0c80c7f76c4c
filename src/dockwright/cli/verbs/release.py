"""Make, list, show and compare releases: immutable records of one image per instance.

A release names every image by the digest of its manifest, with its bill of materials, the commit, the machines'
profiles, the locks and the tickets in force. It is made of what is committed and built; it is written once, below the
state directory, and never changed. Which releases were healthy, and where, is noted when `up` ends well.

  dockwright release create --note "new tokenizer"
  dockwright release create --partial     leave out instances that are not built here
  dockwright release list                 every release, the oldest first, and which were seen healthy
  dockwright release show latest          what is in it; a name's beginning or a commit's is enough
  dockwright release show 2026 --check    whether its images are still there; exit code 1 where one is gone
  dockwright release diff prev latest     services, packages, sizes, tickets, locks and profile keys that differ
  dockwright release push latest          put it into a registry that has its images (./dockwright push)
  dockwright release fetch 2026           bring it from there to this host

`latest` is the newest release, `prev` the last one before it that was seen healthy. The registry is that of fleet.toml,
or the one named by --registry or $DOCKWRIGHT_REGISTRY; where one is named so, create pushes and --check asks it, too.

exit codes: 0 done, 1 a dirty work tree, something is not built or gone, 2 wrong usage, 3 no engine
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from typing import Any

from dockwright.build.origin import read_origin
from dockwright.check.run import check
from dockwright.cli import released, table
from dockwright.cli.context import repository
from dockwright.cli.progress import Progress
from dockwright.engine import find
from dockwright.engine.registry import place
from dockwright.release import create, health, shelf
from dockwright.release.diff import difference
from dockwright.release.record import Record
from dockwright.release.standing import standing
from dockwright.spec.finding import SpecError
from dockwright.spec.load import load_fleet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="what", metavar="create|list|show|diff|push|fetch", required=True)
    made = verbs.add_parser("create", help="write a release of what is committed and built")
    made.add_argument("--note", default="", metavar="TEXT", help="what you say of it")
    made.add_argument("--partial", action="store_true", help="leave out instances that are not built here")
    listed = verbs.add_parser("list", help="every release, the oldest first")
    shown = verbs.add_parser("show", help="what is in a release")
    shown.add_argument("name", metavar="NAME")
    shown.add_argument("--check", action="store_true", help="look whether its images are still there")
    compared = verbs.add_parser("diff", help="what differs between two releases")
    compared.add_argument("before", metavar="A")
    compared.add_argument("after", metavar="B")
    pushed = verbs.add_parser("push", help="put a release into a registry that has its images")
    fetched = verbs.add_parser("fetch", help="bring a release from a registry to this host")
    for one in (pushed, fetched):
        one.add_argument("name", metavar="NAME")
    for one in (made, shown, pushed, fetched):
        one.add_argument("--registry", metavar="HOST/PATH", help="another registry than that of fleet.toml")
    for one in (made, listed, shown, compared, pushed, fetched):
        one.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    verbs = {"create": _create, "list": _list, "show": _show, "diff": _diff, "push": _push, "fetch": _fetch}
    return verbs[str(arguments.what)](arguments)


def _create(arguments: argparse.Namespace) -> int:
    root = repository()
    create.refuse_dirty(read_origin(root))
    fleet = load_fleet(root / "fleet")
    errors = [finding for finding in check(root / "fleet", date.today()).findings if finding.severity == "error"]
    if errors:
        raise SpecError(errors)
    say = Progress(quiet=arguments.json)
    note, partial = " ".join(arguments.note.split()), arguments.partial
    done = create.create(find.running(), fleet, root, shelf.here(), note=note, partial=partial, say=say)
    where = place.named(arguments.registry)
    if where:
        from dockwright.release import publish

        publish.push(where, done.record, shelf.here(), say)
    if arguments.json:
        print(json.dumps({"new": done.new, "release": done.record.model_dump(mode="json")}, indent=2, sort_keys=True))
        return 0
    count = len(done.record.contents.instances)
    if done.new:
        print(f"{done.record.name}: {count} instances from commit {done.record.contents.git_sha[:12]}")
    else:
        print(f"{done.record.name} exists, made {done.record.created}: the same images of the same commit")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    releases, seen = shelf.here().all(), health.read(shelf.here())
    if arguments.json:
        print(json.dumps([released.summary(one, seen) for one in releases], indent=2))
    elif releases:
        table.show(released.COLUMNS, [released.row(one, seen) for one in releases])
    else:
        print("there is no release yet; ./dockwright release create makes one")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    record, seen = _find(arguments.name), health.read(shelf.here())
    where = place.named(arguments.registry)
    found = standing(find.running(), record, where) if arguments.check else None
    gone = [one for one in found or () if one.gone]
    if arguments.json:
        told: dict[str, Any] = {**record.model_dump(mode="json"), "healthy": dict(seen.seen.get(record.name, {}))}
        told |= {"gone": [one.name for one in gone]} if found is not None else {}
        print(json.dumps(told, indent=2, sort_keys=True))
        return int(bool(gone))
    print("\n".join(released.shown(record, seen)))
    table.show(*released.pictures(record, found))
    if found is not None:
        count = f"{len(gone)} of {len(found)}" if gone else f"all {len(found)}"
        print(f"\n{count} images are {'gone' if gone else 'there'}")
    return int(bool(gone))


def _diff(arguments: argparse.Namespace) -> int:
    found = difference(_find(arguments.before), _find(arguments.after), shelf.here().components)
    if arguments.json:
        print(json.dumps(found.as_json(), indent=2))
    else:
        print("\n".join(released.difference(found)))
    return 0


def _push(arguments: argparse.Namespace) -> int:
    from dockwright.release import publish

    record, where = _find(arguments.name), _registry(arguments)
    digest = publish.push(where, record, shelf.here(), Progress(quiet=arguments.json))
    if arguments.json:
        print(json.dumps({"name": record.name, "registry": str(where), "digest": digest}, indent=2))
    else:
        print(f"{where} has {record.name}: {digest}")
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    from dockwright.release import publish

    where = _registry(arguments)
    record, new = publish.fetch(where, arguments.name, shelf.here(), Progress(quiet=arguments.json))
    if arguments.json:
        print(json.dumps({"new": new, "release": record.model_dump(mode="json")}, indent=2, sort_keys=True))
    else:
        print(f"{record.name} {'is here now' if new else 'was here already'}")
    return 0


def _registry(arguments: argparse.Namespace) -> place.Place:
    return place.named(arguments.registry) or place.parse(load_fleet(repository() / "fleet").registry)


def _find(name: str) -> Record:
    releases = shelf.here()
    return releases.find(name, lambda latest: health.last_healthy(releases, but={latest.name}))
