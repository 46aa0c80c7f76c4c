"""What the fleet's code imports against its locks, and what built images ask for against what they hold.

Code is read, never run. Found are imports that no locked package brings, packages that are only there by chance because
another one asks for them, and requirements that no code imports; a comment `# runs: what for` beside a requirement says
why it stays (a server, a plugin). Imports that the code can go on without count as notes.

Where an engine has the image, its compiled files are loaded as ld.so would, without running them: libraries that are
missing, programs that are run and not there, and Debian packages that nothing links to or runs. What the NVIDIA driver
brings is not missing. A reason in family.toml, [without_libraries], lets a library be left out.

  dockwright audit                        every family and implemented service, and the images that are built
  dockwright audit family-vision-cu121    a family or a service
  dockwright audit --code                 what code imports only; needs no engine
  dockwright audit --offline              ask no package index which modules a package brings
  dockwright audit --all                  notes too: what could be left out, what is optional
  dockwright audit --json                 {"images": [{"name", "findings": [{"rule", "severity", ...}], ...}], ...}

exit codes: 0 no error, 1 something is missing, 2 wrong usage or unreadable input
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

from dockwright.audit.report import Audited, Report
from dockwright.audit.run import Audit, names
from dockwright.cli import table
from dockwright.cli.context import repository
from dockwright.cli.progress import Progress
from dockwright.engine import find
from dockwright.engine.docker import Docker
from dockwright.errors import EngineUnavailable, UsageError
from dockwright.lock.inventory import Inventory
from dockwright.spec.load import load_fleet
from dockwright.spec.model import Fleet
from dockwright.spec.names import did_you_mean

COLUMNS = ("IMAGE", "IMPORTS", "PACKAGES", "COMPILED FILES", "ERRORS", "WARNINGS", "NOTES")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="families and services; all when none is named")
    parser.add_argument("--code", action="store_true", help="look at code and locks only, at no image")
    parser.add_argument("--offline", action="store_true", help="use only what is known on this machine")
    parser.add_argument("--all", action="store_true", help="notes too, each on its own line")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    root = repository()
    fleet = load_fleet(root / "fleet")
    chosen = asked(fleet, arguments.names)
    say = Progress(quiet=arguments.json)
    docker = None if arguments.code else engine(say)
    report = Audit(Inventory(fleet, root, {}), docker, say, chosen, arguments.offline).report()
    if arguments.json:
        told = {"images": [image.as_json() for image in report.images], "not_built": list(report.not_built)}
        print(json.dumps(told, indent=2))
    else:
        table.show(COLUMNS, [row(image) for image in report.images])
        print("\n".join(["", *lines(report, everything=arguments.all), *closing(report, code=arguments.code)]))
    return report.exit_code


def asked(fleet: Fleet, wanted: list[str]) -> list[str]:
    """The families and services that some names mean; all where there is none."""
    known = names(fleet)
    found = [fleet.lineage(name)[-1] if name in fleet.families else name for name in wanted]
    for name in found:
        if name not in known:
            says = "is not implemented yet" if name in fleet.services else "is no family and no service"
            raise UsageError(f"{name} {says}{did_you_mean(name, known)}")
    return found or known


def engine(say: Progress) -> Docker | None:
    """The engine that answers; without one there are no images to look into, and code can be audited all the same."""
    try:
        return find.running()
    except EngineUnavailable as error:
        say(f"{error}: only code is looked at")
        return None


def row(image: Audited) -> tuple[str, ...]:
    """One line an image."""
    packages = f"{image.used} of {image.locked}" if image.locked else "-"
    counts = [str(image.count(severity)) for severity in ("error", "warning", "info")]
    return (image.name, str(image.imports), packages, "-" if image.native is None else str(image.native), *counts)


def lines(report: Report, *, everything: bool) -> Iterator[str]:
    """What was found, image by image."""
    for image in report.images:
        told = [finding for finding in image.findings if everything or finding.severity != "info"]
        if told:
            yield image.name
            yield from (f"  {finding.severity:<7}  {finding}  [{finding.rule}]" for finding in told)
            yield ""


def closing(report: Report, *, code: bool) -> Iterator[str]:
    """What was not looked at, and one line that sums it up."""
    if report.not_built and not code:
        yield f"not built, so only code was looked at: {', '.join(report.not_built)}"
    found = [finding.severity for finding in report.findings]
    errors, warnings, notes = (found.count(severity) for severity in ("error", "warning", "info"))
    hidden = " (--all shows them)" if notes else ""
    yield f"{errors or 'no'} errors, {warnings or 'no'} warnings, {notes or 'no'} notes{hidden}"
