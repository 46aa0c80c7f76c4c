"""Debian packages that can be had today: an archive keeps a version only until the next one."""

from __future__ import annotations

import json
import sys

from engines.fleet import Fleet


def again(tool: Fleet) -> None:
    """Lock anew what the archive has no more, as the tool's own words say, where no snapshot of it can be asked.

    Without that, no test could build with `--locked` from the day on which Debian or Ubuntu mends a package.
    """
    done = tool.run("lock", "--verify", "--json")
    if done.returncode == 0:
        return
    assert done.stdout, done.stderr
    gone = [finding for finding in json.loads(done.stdout)["findings"] if "any more" in finding["message"]]
    assert gone, done.stdout + done.stderr
    print(*(finding["message"] for finding in gone), sep="\n", file=sys.stderr)
    done = tool.run("lock")
    assert done.returncode == 0, done.stdout + done.stderr
    done = tool.run("lock", "--verify")
    assert done.returncode == 0, done.stdout + done.stderr
