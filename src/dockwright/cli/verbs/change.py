"""Draft a change-control ticket for what differs from the frozen blueprint.

Edit fleet/fleet.toml first, then run this. The draft names each difference as `path: old -> new` and permits exactly
these; why, evidence and how to undo it are yours to write: `dockwright check` reminds you of each. A ticket that is
there is never overwritten.

  dockwright change                                  draft the next ticket
  dockwright change --title "NLUAgent moves to pc2"  with its title, which also names the file
  dockwright change --dry-run                        show the differences, write nothing
"""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from pathlib import Path

from dockwright.check import draft
from dockwright.check.frozen import Difference, read_blueprint
from dockwright.check.ticket import FOLDER, read_tickets
from dockwright.cli.context import repository
from dockwright.errors import DockwrightError, UsageError
from dockwright.spec.finding import SpecError
from dockwright.spec.load import read_fleet
from dockwright.spec.names import slug


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--title", default="", help="what changes, in one line")
    parser.add_argument("--dry-run", action="store_true", help="show the differences, write nothing")
    parser.add_argument("--fleet", type=Path, metavar="FOLDER", help="another fleet folder than this repository's")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    folder = (arguments.fleet or repository() / "fleet").resolve()
    changes = _changes(folder)
    path = None if arguments.dry_run or not changes else _write(folder, arguments.title, changes)
    if arguments.json:
        print(json.dumps({"changes": [str(c) for c in changes], "ticket": str(path) if path else None}, indent=2))
        return 0
    if not changes:
        print("nothing differs from the blueprint without a ticket: there is no change to draft")
    for change in changes:
        print(change)
    if path:
        print(f"drafted {path}: write down why, the evidence, and how to undo it")
    return 0


def _changes(folder: Path) -> list[Difference]:
    fleet, findings = read_fleet(folder)
    if fleet is None:
        raise SpecError(findings)
    tickets, wrong = read_tickets(folder)
    if wrong:
        # A ticket that cannot be read may permit the very difference that would be drafted again.
        raise SpecError(wrong)
    return draft.missing(fleet, read_blueprint(folder), tickets)


def _write(folder: Path, title: str, changes: list[Difference]) -> Path:
    title = " ".join(title.split()) or draft.default_title(changes)
    number = draft.next_number(folder)
    name = slug(title)[:60].strip("-")
    if not name:
        raise UsageError("the title has no letters to name a file with", 'try --title "what changes"')
    path = folder / FOLDER / f"{number:04}-{name}.md"
    path.parent.mkdir(exist_ok=True)
    text = draft.render(number, title, datetime.now().astimezone().date(), changes)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise DockwrightError(f"{path} cannot be written: {error.strerror}") from error
    return Path(folder.name) / FOLDER / path.name
