"""The command line: one module per verb in `dockwright.cli.verbs`, imported only when it is asked for."""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from dockwright import __version__
from dockwright.cli.help import Formatter
from dockwright.errors import DockwrightError

VERBS = {
    "up": "build what this machine can build, run it, show it healthy",
    "check": "everything wrong with the fleet, each with its file and line",
    "status": "each service: desired, running, healthy, since when, from which commit",
    "logs": "what instances wrote",
    "down": "stop what `up` started",
    "doctor": "examine every machine: engine, disk, clock, ports, registry, cards",
    "deploy": "roll a release out over the machines, in waves, gated by health, taken back as one",
    "rollback": "go back to the last healthy release, on every machine",
    "pin": "hold a service at one image until a day",
    "unpin": "let a pinned service follow releases again",
    "plan": "what would be built, and which input of each image has changed",
    "build": "build the images of families and instances",
    "push": "push built images into a registry, where other machines find them",
    "sbom": "what is in a built image: packages, licences, who brought them",
    "sizes": "how large built images are, what they share, and where the bytes go",
    "release": "make, list, show and compare releases",
    "audit": "imports against locks, libraries against images: what is missing, what is idle",
    "smoke": "run every family's tests inside the built images, its descendants' too",
    "prune": "free disk space: build cache, old images, what lies about",
    "verify": "build again elsewhere, without cache, and compare every digest",
    "lock": "pin what images are made of, with hashes, layer by layer",
    "change": "draft a change-control ticket for a deviation from the blueprint",
    "schema": "write the JSON schemas that editors complete and check with",
    "dev": "run services from the work tree as processes, with reload",
    "test": "run every test that can run here, and say what did not run and why",
}

EPILOG = """\
start here:
  ./dockwright up            from a bare machine to a running, healthy slice of the fleet
  ./dockwright status        what runs, how it is, and what is not built yet
  ./dockwright VERB --help   what a verb does, with examples

exit codes: 0 done, 1 findings or failed work, 2 wrong usage or unreadable input,
            3 an engine or network that does not answer, 130 interrupted
"""

FULL = {errno.ENOSPC, errno.EDQUOT}


def parser(width: int = max(map(len, VERBS))) -> argparse.ArgumentParser:
    """The top-level parser; it knows the verbs' names and one line each, and imports none of them."""
    lines = "\n".join(f"  {name:<{width}}  {text}" for name, text in VERBS.items())
    top = argparse.ArgumentParser(
        prog="dockwright",
        description=f"Builds, runs, heals and shows the fleet that fleet/fleet.toml declares.\n\nverbs:\n{lines}",
        epilog=EPILOG,
        formatter_class=Formatter,
        usage="dockwright [--version] VERB [options]",
    )
    top.add_argument("--version", action="version", version=f"dockwright {__version__}")
    top.add_argument("verb", nargs="?", metavar="VERB", help=argparse.SUPPRESS)
    return top


def verb_parser(name: str, module: ModuleType) -> argparse.ArgumentParser:
    """The parser of one verb; its long help is the module's docstring."""
    made = argparse.ArgumentParser(
        prog=f"dockwright {name}",
        description=module.__doc__,
        formatter_class=Formatter,
    )
    module.add_arguments(made)
    made.add_argument("--verbose", action="store_true", help="show a trace when something fails")
    return made


def main(argv: Sequence[str]) -> int:
    """Run one command line; returns the exit code and never lets a traceback out without `--verbose`."""
    try:
        try:
            return _answer(argv)
        finally:
            sys.stdout.flush()  # A reader who went away is noticed here at the latest, not when the interpreter ends.
    except BrokenPipeError:
        # `dockwright status | head`: nothing is wrong here, and there is nobody left to write to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _answer(argv: Sequence[str]) -> int:
    if not argv or argv[0].startswith("-"):
        parser().parse_args(argv)
        parser().print_help()
        return 0
    name, rest = argv[0], argv[1:]
    if name not in VERBS:
        print(f"dockwright: there is no verb '{name}'{_nearest(name)}; see ./dockwright --help", file=sys.stderr)
        return 2
    module = importlib.import_module(f"dockwright.cli.verbs.{name}")
    arguments = verb_parser(name, module).parse_args(rest)
    try:
        code: int = module.run(arguments)
    except DockwrightError as error:
        return _failed(error, arguments.verbose)
    except OSError as error:
        if error.errno not in FULL:
            raise
        where = f"{error.filename} cannot be written: " if error.filename else ""
        full = DockwrightError(f"{where}the disk is full", "make room and run it again")
        full.__cause__ = error
        return _failed(full, arguments.verbose)
    except KeyboardInterrupt:
        print("dockwright: interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    return code


def _failed(error: DockwrightError, verbose: bool) -> int:
    if verbose:
        import traceback

        traceback.print_exception(error)
    print(f"dockwright: {error}", file=sys.stderr)
    output = getattr(error, "output", "")
    if output:
        print("".join(f"  | {line}\n" for line in output.splitlines()[-25:]), end="", file=sys.stderr)
    if error.remedy:
        print(f"  -> {error.remedy}", file=sys.stderr)
    return error.exit_code


def _nearest(name: str) -> str:
    import difflib

    found = difflib.get_close_matches(name, VERBS, 1)
    return f" (did you mean '{found[0]}'?)" if found else ""
