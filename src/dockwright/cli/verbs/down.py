"""Stop what `up` started: the fleet's containers and network, and the engine if the tool started one of its own.

What services keep (their volumes), the images and the build cache stay, so that the next `up` takes seconds.
Nothing else on this host is touched.

  dockwright down                 stop
  dockwright down --keep-engine   leave an engine of the tool's own running
  dockwright down --delete-state  also delete what services keep: registrations, errors, history, evidence
"""

from __future__ import annotations

import argparse
import json

from dockwright.cli.progress import Progress
from dockwright.rollout.down import down


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keep-engine", action="store_true", help="leave an engine of the tool's own running")
    parser.add_argument("--delete-state", action="store_true", help="also delete what services keep")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    say = Progress(quiet=arguments.json)
    done = down(keep_engine=arguments.keep_engine, delete_state=arguments.delete_state, say=say)
    if arguments.json:
        print(json.dumps({"stopped": list(done.stopped), "engine_stopped": done.engine_stopped}, indent=2))
    elif not done.stopped and not done.engine_stopped:
        kept = "; what services kept is deleted" if arguments.delete_state else ""
        print(f"nothing of the fleet runs here{kept}")
    else:
        count = len(done.stopped)
        engine = ", and the engine that the tool had started" if done.engine_stopped else ""
        print(f"stopped {count} {'container' if count == 1 else 'containers'}{engine}")
    return 0
