"""Tags as the fleet writes them, and what they say: the day, the commit, the machine. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

COMMIT = re.compile(
    r"((?P<prefix>[\w.-]+?)-)?(?P<day>\d{8})-(?P<sha>[0-9a-f]{12}|unknown)(?P<dirty>-dirty)?(-(?P<machine>[\w.-]+))?"
)
INPUTS = re.compile(r"input-[0-9a-f]{32}")


@dataclass(frozen=True)
class Tag:
    """`[3.11-slim-]20261124-<git_sha>[-dirty][-mainpc]`."""

    day: date
    sha: str
    dirty: bool
    prefix: str
    machine: str


def read(text: str) -> Tag | None:
    """What a tag says; None for one that the fleet does not write."""
    found = COMMIT.fullmatch(text)
    if not found:
        return None
    try:
        day = datetime.strptime(found["day"], "%Y%m%d").date()
    except ValueError:
        return None
    return Tag(day, found["sha"], bool(found["dirty"]), found["prefix"] or "", found["machine"] or "")


def ours(text: str) -> bool:
    """Whether the fleet writes such tags: by commit or by inputs. Any other one is somebody's, and is kept."""
    return read(text) is not None or INPUTS.fullmatch(text) is not None
