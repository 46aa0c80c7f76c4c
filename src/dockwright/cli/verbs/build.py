"""Build the images of families and instances that the engine does not have yet, in one bake run.

An image is known by its input digest: a sha256 over its files, its locks, its arguments and its parent. Nothing is
built whose digest the engine has; then not even bake is started. Where a registry is named (--registry, or
$DOCKWRIGHT_REGISTRY), what it has with an equal digest is pulled in place of a build. An image that an earlier commit
built from equal inputs gets this commit's tag as well. `dockwright plan` shows beforehand what would be built, and why.

  dockwright build                       every implemented instance's image, and the families below them
  dockwright build family-web            a family
  dockwright build ServiceRegistry       a service, for each of its machines
  dockwright build mainpc/SystemDigitalTwin
  dockwright build --machine pc2         the instances of one machine
  dockwright build --locked              exactly what the locks pin, or nothing

Debian packages are those that the locks pin, each held against its sha256. Where the archive has moved on and neither
this host nor a snapshot has a pinned version any more, the archive as it is decides, which its distribution has signed:
the differences are told, and the images carry the label io.dockwright.not-as-locked. With --locked that is a failure.

exit codes: 0 done, 1 a build failed or --locked could not be kept to, 2 wrong usage, 3 no engine, or an archive that
does not answer: what does not stand on it was built
"""

from __future__ import annotations

import argparse

from dockwright.cli import names
from dockwright.engine import find


def add_arguments(parser: argparse.ArgumentParser) -> None:
    names.add_arguments(parser)
    parser.add_argument("--locked", action="store_true", help="fail where a Debian package cannot be had as locked")
    parser.add_argument("--no-install", action="store_true", help="install nothing on this host; say what is missing")
    parser.add_argument("--registry", metavar="HOST/PATH", help="take from there what it has; $DOCKWRIGHT_REGISTRY")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    with find.asked() as engine:  # It answers while all that reads a fleet is imported.
        from dockwright.cli import builds

        return builds.run(arguments, engine)
