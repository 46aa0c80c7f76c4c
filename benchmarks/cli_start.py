"""How long the command line takes to start, beside the bare interpreter in the same run.

Usage: .venv/bin/python benchmarks/cli_start.py [--rounds N] [--json]

Each command runs through the launcher, as a user's does. Goal: 150 ms for what needs no declaration. The peer is
`python -c pass` in the tool's own environment.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
LAUNCHER = str(ROOT / "dockwright")
COMMANDS = {
    "peer: python -c pass": [sys.executable, "-c", "pass"],
    "--version": [LAUNCHER, "--version"],
    "--help": [LAUNCHER, "--help"],
    "check (reads the whole fleet)": [LAUNCHER, "check"],
}
GOAL = 0.15
HELD_TO_GOAL = ("--version", "--help")


def seconds(words: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    subprocess.run([LAUNCHER, "--version"], stdout=subprocess.DEVNULL, check=True)  # makes the environment, once
    took = {
        name: statistics.median(seconds(words) for _ in range(arguments.rounds)) for name, words in COMMANDS.items()
    }
    peer = next(iter(took.values()))
    if arguments.json:
        print(json.dumps({name: {"seconds": one, "ratio": one / peer} for name, one in took.items()}, indent=2))
    else:
        for name, one in took.items():
            print(f"{name:<30} {1000 * one:6.0f} ms  {one / peer:4.1f} x peer")
    return int(any(took[name] > GOAL for name in HELD_TO_GOAL))


if __name__ == "__main__":
    sys.exit(main())
