"""Run every family's smoke tests inside the built images, and say what did not run and why.

A family's tests (fleet/families/NAME/smoke) run on its own image, on every family below it, and on the images of
services that stand on it; fleet/smoke holds those for every image. They are no part of an image, and changing one
rebuilds nothing. Each image is tried in one container, as appuser, on a read-only file system, without capabilities
and without a network; where the engine can hand NVIDIA cards to containers, GPU families get them.

  dockwright smoke                    every image that is built
  dockwright smoke family-web         a family, built first where it is missing
  dockwright smoke ServiceRegistry    a service, for each of its machines
  dockwright smoke --all              every family, GPU families too, and every implemented service, built where missing
  dockwright smoke --json             {"passed", "images": [{"name", "tests": [{"test", "result", "why", ...}]}], ...}

exit codes: 0 all that ran passed, 1 a test failed or nothing is built, 2 wrong usage, 3 no engine,
            or an archive that does not answer: what does not stand on it was tried
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass

from dockwright.build import smoke, suites
from dockwright.build.planning import Asked
from dockwright.build.present import present
from dockwright.cli import chosen, smoked, stood_on
from dockwright.cli.chosen import Chosen
from dockwright.cli.context import repository
from dockwright.cli.ensured import ensured
from dockwright.cli.progress import Progress
from dockwright.engine import find
from dockwright.engine.docker import Docker
from dockwright.errors import DockwrightError, UsageError
from dockwright.spec.load import load_fleet
from dockwright.spec.model import Fleet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="families, services or machine/service")
    parser.add_argument("--all", action="store_true", help="build and try everything that can be built here")
    parser.add_argument("--no-install", action="store_true", help="install nothing on this host; say what is missing")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    root = repository()
    fleet = load_fleet(root / "fleet")
    say = Progress(quiet=arguments.json)
    found = _built(fleet, arguments, say)
    families = {each.name: fleet.services[each.service].family for each in fleet.instances()}
    cards = smoke.has_runtime_for_cards(found.docker)
    report = smoked.Report([], found.absent)
    for name, reference in found.references.items():
        family = families.get(name, name)
        suite = suites.suite(fleet, root, family, instance=name in families)
        tried = smoke.smoke(found.docker, name, reference, suite, cards=cards and fleet.carries_cuda(family))
        report.images.append(tried)
        say(f"  {smoked.line(tried)}")
    if arguments.json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        report.show()
    return max(found.code, int(not report.passed))


@dataclass(frozen=True)
class _Built:
    """The images to try, name -> reference, and why others are not there."""

    docker: Docker
    references: Mapping[str, str]
    absent: Mapping[str, str]
    code: int = 0


def _built(fleet: Fleet, arguments: argparse.Namespace, say: Progress) -> _Built:
    root = repository()
    if not arguments.all and not arguments.names:
        docker = find.running()
        seen = present(docker, fleet, root)
        if not seen.built:
            raise DockwrightError("no image of the fleet is built", "./dockwright smoke --all builds and tries all")
        return _Built(docker, {name: image.reference for name, image in seen.built.items()}, seen.absent)
    if arguments.all and arguments.names:
        raise UsageError("--all leaves nothing to name", "name images, or pass --all")
    wanted = chosen.chosen(fleet, root, arguments.names)
    if arguments.all:
        wanted = Chosen(chosen.makeable(fleet, root), wanted.instances)
    docker, planned, built = ensured(fleet, root, wanted, Asked(install=not arguments.no_install), say)
    names = (*wanted.families, *(each.name for each in wanted.instances))
    references = {name: built.of(name).reference for name in names if name not in planned.unmade}
    absent = {name: str(error) for name, error in planned.unmade.items()}
    return _Built(docker, references, absent, stood_on.tell(planned))
