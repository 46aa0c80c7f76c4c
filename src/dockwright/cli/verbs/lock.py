"""Pin everything that images are made of, layer by layer: Python packages, Debian packages, roots.

A family's lock contains every pin of its parent unchanged, and a service's lock only adds to its family's. Each
requirements.lock holds the whole closure of one image with hashes, sizes, and who asks for what; apt.lock and
fleet/roots/*.lock hold Debian packages with exact versions and sha256. The old lock stays when anything fails. What a
build here could not have as it is locked, because nobody has it any more, is locked anew.

  dockwright lock                      lock what changed, keep every pin that still fits
  dockwright lock family-web           one family or service, and what stands on it
  dockwright lock --upgrade fastapi    let one package move (in the family that brings it, and below)
  dockwright lock --upgrade-all        let everything move, Debian packages too
  dockwright lock --check              whether locks and requirements still fit together; offline, writes nothing
  dockwright lock --verify             --check, and ask index and archive whether every file is still there
  dockwright lock --sizes              how large each image will be, from the published sizes in the locks
  dockwright lock --explain numpy      who wants a package, through which family and chain
  dockwright lock --json               {"locks": [...], "changed", "findings", "failures"}

exit codes: 0 done, 1 findings or a lock that cannot be made, 2 wrong usage or unreadable input,
            3 an index or archive that does not answer, 130 interrupted
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from dockwright.build import packages
from dockwright.build import root as roots
from dockwright.cli import locks as shown
from dockwright.cli.context import repository
from dockwright.cli.progress import Progress
from dockwright.errors import DockwrightError
from dockwright.lock import deb_tasks, debs, pins
from dockwright.lock.inventory import Inventory
from dockwright.lock.made import Made
from dockwright.lock.run import Asked, Report, Run
from dockwright.spec.finding import ordered
from dockwright.spec.load import load_fleet
from dockwright.spec.model import Fleet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="families, services or roots; all when none is named")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="write nothing; exit code 1 when a lock does not fit")
    what.add_argument("--verify", action="store_true", help="--check, and ask for every locked file and its hash")
    what.add_argument("--sizes", action="store_true", help="write nothing; show how large each image will be")
    what.add_argument("--explain", metavar="PACKAGE", help="write nothing; say who wants a package")
    what.add_argument("--upgrade", action="append", default=[], metavar="PACKAGE", help="let this package move")
    what.add_argument("--upgrade-all", action="store_true", help="let everything move")
    parser.add_argument("--offline", action="store_true", help="use only what is cached on this machine")
    parser.add_argument("--no-install", action="store_true", help="install nothing on this host; say what is missing")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    root = repository()
    fleet = load_fleet(root / "fleet")
    inventory = Inventory(fleet, root, made_roots(fleet, root))
    if arguments.explain:
        found = inventory.explain(arguments.explain)
        print(json.dumps([one.as_json() for one in found], indent=2) if arguments.json else shown.explained(found))
        return 0
    chosen = inventory.chosen(arguments.names)
    reading = arguments.check or arguments.sizes
    report = Report() if reading else work(inventory, chosen, arguments)
    after = Inventory(fleet, root, inventory.made)
    # What could not be made has its own, better words.
    looked = [] if arguments.sizes else [name for name in after.names if name in chosen and not report.failures]
    findings = ordered([*report.findings, *after.findings(looked)])
    sizes = {name: size for name, size in after.sizes.items() if name in chosen or not arguments.names}
    if arguments.json:
        print(json.dumps(shown.as_json(sizes, after, findings, report), indent=2))
    else:
        print(
            shown.text(sizes, findings, report, check=arguments.check or arguments.verify, sizes_only=arguments.sizes)
        )
    for line in shown.failures(report):
        print(line, file=sys.stderr)
    return max([int(bool(findings)), *(error.exit_code for error in report.failures.values())])


def work(inventory: Inventory, chosen: set[str], arguments: argparse.Namespace) -> Report:
    """Make the chosen locks again, where they do not fit or may move; or ask for their files."""
    upgrade = ("*",) if arguments.upgrade_all else tuple(map(pins.normal, arguments.upgrade))
    inventory.check_upgrade(upgrade)
    asked = Asked(upgrade, arguments.offline, not arguments.no_install)
    say = Progress(quiet=arguments.json)
    run = Run(
        inventory.fleet,
        inventory.root,
        asked,
        say,
        roots=inventory.made,
        gone=packages.gone(inventory.fleet, inventory.root),
    )
    python = [task for task in inventory.python.values() if task.name in chosen]
    debian = [task for task in inventory.debian.values() if task.name in chosen]
    if arguments.verify:
        report = run.verify(python, debian)
        note_gone(inventory, report)
        return report
    report = run.locks(python, debian)
    for name in report.renewed:
        packages.forget(name)
    return report


def note_gone(inventory: Inventory, report: Report) -> None:
    """Note locks that the archive does not have whole any more: the next `lock` makes them again, as findings say."""
    noted = packages.gone(inventory.fleet, inventory.root)
    files = {finding.file for finding in report.findings}
    for name, task in inventory.debian.items():
        if str(task.file) in files and name not in noted:
            packages.note_gone(task, debs.read(inventory.root / task.file, str(task.file)))


def made_roots(fleet: Fleet, root: Path) -> dict[str, Made]:
    """The roots that were made on this host from exactly what their locks pin."""
    found = {}
    for name, task in deb_tasks.tasks(fleet, root).items():
        if task.asked:
            continue
        try:
            of = packages.expected(fleet, root, [name], locked=True)[name]
        except DockwrightError:
            continue  # A lock that does not fit has no root; it is made again, or told about.
        layout = roots.made(roots.recipe(fleet, name), of)
        if layout is not None:
            found[name] = Made(layout.digest, of.identity, roots.maker())
    return found
