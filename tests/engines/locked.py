"""Debian packages that can be had today: an archive keeps a version only until the next one."""

from __future__ import annotations

import json
import sys

from engines.fleet import Fleet

# The locks that archives were found to have whole, a while ago.
WHOLE: set[tuple[bytes, ...]] = set()


def again(tool: Fleet) -> None:
    """Lock anew, in a checkout of the test's own, what the archive has no more, as the tool's own words say.

    Without that, and where no snapshot of it can be asked, no test could build with `--locked` from the day on which
    Debian or Ubuntu mends a package.
    """
    if _locks(tool) in WHOLE:
        return
    done = tool.run("lock", "--verify", "--json")
    if done.returncode:
        assert done.stdout, done.stderr
        gone = [finding for finding in json.loads(done.stdout)["findings"] if "any more" in finding["message"]]
        assert gone, done.stdout + done.stderr
        print(*(finding["message"] for finding in gone), sep="\n", file=sys.stderr)
        done = tool.run("lock")
        assert done.returncode == 0, done.stdout + done.stderr
        done = tool.run("lock", "--verify")
        assert done.returncode == 0, done.stdout + done.stderr
    WHOLE.add(_locks(tool))


def _locks(tool: Fleet) -> tuple[bytes, ...]:
    folder = tool.root / "fleet"
    return tuple(file.read_bytes() for file in sorted([*folder.glob("roots/*.lock"), *folder.glob("**/*apt.lock")]))
