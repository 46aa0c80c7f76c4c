"""What `build` would do, and why: which images, which of their inputs have changed, what is only tagged again.

Nothing is made and nothing is changed. Each image carries a record of its inputs, so what has changed is told by name:
a file, a pin with both versions, an argument, the parent, the Dockerfile, the kit, the machine profile, the root. It is
told against the image that this machine built last, or the nearest one that the engine has. Times of files, tests,
pages and comments of locks decide nothing.

Where a registry is named (--registry, or $DOCKWRIGHT_REGISTRY), what it has of equal inputs would be pulled in place of
a build, a push is reckoned against its layers, and on a machine that has built nothing yet changes are told against its
newest images.

Without an engine the input digests are listed all the same, and the exit code is 3: what is there, nobody can say.

  dockwright plan                       every implemented instance, and the families below them
  dockwright plan family-web            a family, a service, or machine/service
  dockwright plan --machine pc2         the instances of one machine
  dockwright plan --json                {"counts", "push", "images": [{"name", "action", "changes", …}], …}
"""

from __future__ import annotations

import argparse

from dockwright.cli import names
from dockwright.engine import find


def add_arguments(parser: argparse.ArgumentParser) -> None:
    names.add_arguments(parser)
    parser.add_argument("--registry", metavar="HOST/PATH", help="take what it has into account; $DOCKWRIGHT_REGISTRY")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    with find.asked() as engine:  # It answers while all that reads a fleet is imported.
        from dockwright.cli import plans

        return plans.run(arguments, engine)
