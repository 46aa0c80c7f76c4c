"""Run every test that can run on this machine, and say what did not run and why.

Tests of the tool, the kit and every service run side by side. As root on Linux, those that start real Docker engines
run too, on engines of their own in a network of their own: they install Docker where it is missing, never touch an
engine that they did not start, and leave none behind.

  dockwright test                         everything
  dockwright test --fast                  without the tests that start engines
  dockwright test tests/spec -k schema    only some, one after the other
  dockwright test --all                   GPU families too, where the disk has room for them, and every way in which a
                                          rollout breaks; tests that did not run are named one by one

exit codes: 0 all that ran passed, 1 a test failed, 2 wrong usage or no such test, 130 interrupted
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from dockwright.cli.context import repository
from dockwright.errors import DockwrightError, UsageError

if TYPE_CHECKING:
    import pytest

# With more processes the tests' own servers and builds get in each other's way.
MOST_PROCESSES = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files, folders or FILE::TEST; all when none is named")
    parser.add_argument("-k", dest="expression", metavar="EXPR", help="only tests whose names match, as pytest has it")
    parser.add_argument("--fast", action="store_true", help="leave out the tests that start engines")
    parser.add_argument(
        "--all", action="store_true", help="GPU families and broken rollouts too, and name every test that did not run"
    )
    parser.add_argument("--no-install", action="store_true", help="let tests install no packages on this machine")


def run(arguments: argparse.Namespace) -> int:
    if importlib.util.find_spec("pytest") is None:
        raise DockwrightError("this environment has no pytest", "run ./dockwright test: it makes one that has")
    import pytest

    words = pytest_words(arguments, Path.cwd())
    interrupted = Interrupted()
    # Whoever ends a test run, the tests put away what they started. A run in the background is started with SIGINT
    # ignored, which every program that it starts would inherit, those too that a test ends as Ctrl-C does.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with contextlib.chdir(repository()):
        code = int(pytest.main(words, plugins=[interrupted]))
    return 130 if interrupted.seen else exit_code(code)


def pytest_words(arguments: argparse.Namespace, here: Path) -> list[str]:
    """The command line that pytest is given; paths are read from the folder in which the user stands."""
    words = ["--durations=15", "--durations-min=1", "-rfE"]
    words += ["-k", arguments.expression] if arguments.expression else []
    words += [word for word in ("--fast", "--no-install") if getattr(arguments, word[2:].replace("-", "_"))]
    words += ["--gpu-families", "--scenarios", "--name-unrun"] if arguments.all else []
    if arguments.paths:
        return [*words, *(_absolute(path, here) for path in arguments.paths)]
    if arguments.expression:
        return words
    processes = min(os.cpu_count() or 1, MOST_PROCESSES)
    return [*words, f"--numprocesses={processes}", "--dist=loadscope", "--no-loadscope-reorder"]


def _absolute(path: str, here: Path) -> str:
    file, separator, test = path.partition("::")
    found = (here / file).resolve()
    if not found.exists():
        raise UsageError(f"there is no {file} here", "name a file or folder of tests")
    return f"{found}{separator}{test}"


def exit_code(code: int) -> int:
    """pytest's exit code as this tool's: 2 is for tests that cannot even be read, 4 wrong usage, 5 no test."""
    return {0: 0, 4: 2, 5: 2}.get(code, 1)


class Interrupted:
    """Notices Ctrl-C, which pytest answers as it answers files that cannot be read."""

    def __init__(self) -> None:
        self.seen = False

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.seen = excinfo.type is KeyboardInterrupt
