"""Write the JSON schemas and the reference pages that are made from the tool's own models.

fleet.toml and each service.toml begin with a `#:schema` comment; editors with a TOML language server read the schema
named there, complete keys, show their meaning, and underline what does not fit.

  dockwright schema           write what changed
  dockwright schema --check   write nothing; exit code 1 when a file is not up to date
"""

from __future__ import annotations

import argparse

from dockwright.cli import reference
from dockwright.cli.context import repository
from dockwright.engine.state import write_atomically
from dockwright.spec import schema


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="write nothing; say what is not up to date")


def run(arguments: argparse.Namespace) -> int:
    root = repository()
    stale = [*schema.stale(root / "fleet"), *reference.stale(root / "docs" / "reference")]
    for path, text in stale:
        if not arguments.check:
            write_atomically(path, text)
        print(f"{path.relative_to(root)}  {'is not up to date' if arguments.check else 'written'}")
    if not stale:
        print("every schema and reference page is up to date")
    return 1 if stale and arguments.check else 0
