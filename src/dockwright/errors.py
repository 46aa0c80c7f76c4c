"""The error tree. It imports nothing of the tool, so that every part can raise and catch at any level.

DockwrightError            exit 1   work that failed
├── CommandFailed          exit 1   a program that ended with an error
├── UsageError             exit 2   wrong usage
├── UnreadableInput        exit 2   a file that cannot be read or understood
└── Unreachable            exit 3   an engine, a registry or a network that does not answer
    └── EngineUnavailable  exit 3
"""

from __future__ import annotations


class DockwrightError(Exception):
    """Something the user can act on: `str(error)` is the clear line, `remedy` what to do next."""

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class CommandFailed(DockwrightError):
    """A program ended with an error; `output` holds the last lines that it wrote."""

    def __init__(self, message: str, remedy: str = "", output: str = "", returncode: int = 1) -> None:
        super().__init__(message, remedy)
        self.output = output
        self.returncode = returncode


class UsageError(DockwrightError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = 2


class UnreadableInput(DockwrightError):
    """A file of the declaration cannot be read or understood."""

    exit_code = 2


class Unreachable(DockwrightError):
    """An engine, a registry or a network does not answer."""

    exit_code = 3


class EngineUnavailable(Unreachable):
    """No Docker engine answers that can do what the fleet needs."""
