"""Let a pinned service follow releases again.

The next deploy brings it about; until then it runs as it does, and pruning may take the image that it was held at.

  dockwright unpin ModelOpsCoordinator
"""

from __future__ import annotations

import argparse

from dockwright.rollout import pins


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", metavar="SERVICE", help="the service to let go")


def run(arguments: argparse.Namespace) -> int:
    one = pins.unpin(arguments.service)
    print(f"{one.service} is no longer held at {one.tag}; ./dockwright deploy brings it to the release")
    return 0
