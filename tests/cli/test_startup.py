"""What starting imports: help, and a verb's help, are answered without what the work itself needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"pydantic", "rich", "asyncio", "tree_sitter", "yaml", "watchfiles", "cyclonedx", "concurrent", "requests"}


def imported(*words: str) -> set[str]:
    """Top-level names of every module that a command line imports, as the interpreter itself tells."""
    command = [sys.executable, "-X", "importtime", "-m", "dockwright", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().split(".")[0] for line in lines}


@pytest.mark.parametrize("words", [(), ("--help",), ("--version",), ("no-such-verb",)], ids=" ".join)
def test_nothing_heavy_is_imported_to_say_what_there_is(words: tuple[str, ...]) -> None:
    names = imported(*words)
    assert {"argparse", "dockwright"} <= names
    assert names & HEAVY == set()


def test_help_of_tests_needs_no_pytest() -> None:
    assert imported("test", "--help") & (HEAVY | {"pytest", "_pytest"}) == set()
