"""Pin the Python packages of families and services with hashes, layer by layer.

A family's lock contains every pin of its parent unchanged, and a service's lock only adds to its family's. Each
requirements.lock holds the whole closure of one image. The old lock stays when resolving fails.

  dockwright lock                      lock what changed, keep every pin that still fits
  dockwright lock family-web           one family or service
  dockwright lock --upgrade fastapi    let one package move (in the family that brings it, and below)
"""

from __future__ import annotations

import argparse
import json

from dockwright.cli.context import repository
from dockwright.errors import UsageError
from dockwright.lock import pins, python
from dockwright.spec.load import load_fleet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="families or services; all when none is named")
    parser.add_argument("--upgrade", action="append", default=[], metavar="PACKAGE", help="let this package move")
    parser.add_argument("--upgrade-all", action="store_true", help="let every package move")
    parser.add_argument("--offline", action="store_true", help="use only what is cached on this machine")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    root = repository()
    tasks = python.tasks(load_fleet(root / "fleet"), root)
    names = {task.name for task in tasks}
    unknown = [name for name in arguments.names if name not in names]
    if unknown:
        raise UsageError(f"nothing to lock is called {', '.join(unknown)}", f"choose from {', '.join(sorted(names))}")
    chosen = [task for task in tasks if not arguments.names or task.name in arguments.names]
    upgrade = ("*",) if arguments.upgrade_all else tuple(arguments.upgrade)
    changed, findings = [], []
    for task in chosen:
        if python.make(task, root, upgrade, arguments.offline):
            changed.append(task.name)
        if task.parent:
            findings += pins.layering(root / task.target, root / task.parent)
        if not arguments.json:
            count = len(pins.read_lock(root / task.target))
            print(f"{task.name:<28} {count:>3} packages  {'changed' if task.name in changed else 'unchanged'}")
    if arguments.json:
        told = [
            {"rule": f.rule, "path": f.path, "file": f.file, "line": f.line, "message": f.message} for f in findings
        ]
        print(json.dumps({"locks": [task.name for task in chosen], "changed": changed, "findings": told}, indent=2))
    else:
        for finding in findings:
            print(finding)
    return 1 if findings else 0
