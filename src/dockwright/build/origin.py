"""Where a build comes from: the checkout's commit, and the tag that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dockwright.engine import command
from dockwright.errors import CommandFailed


@dataclass(frozen=True)
class Origin:
    """A commit, whether the work tree differs from it, and the commit's day in UTC."""

    git_sha: str
    dirty: bool
    date: str

    @property
    def tag(self) -> str:
        """`YYYYMMDD-<git_sha>`, with `-dirty` where the work tree holds what no commit has."""
        return f"{self.date}-{self.git_sha[:12]}{'-dirty' if self.dirty else ''}"


def read_origin(root: Path) -> Origin:
    """The origin of a build made now. A folder that is no checkout gives the SHA `unknown`, and counts as dirty.

    Neither is a folder that lies in somebody else's checkout, which does not have it in its commit. The day is the
    commit's, not today: a commit has one tag, whenever and wherever it is built.
    """
    git = ("git", "-c", f"safe.directory={root}", "-c", "log.showSignature=false", "-C", root)
    try:
        said = command.run((*git, "show", "--no-patch", "--format=%H %ct", "HEAD"), timeout=20).stdout
        sha, seconds = said.split()
        ours = bool(command.run((*git, "ls-tree", "--name-only", "HEAD"), timeout=20).stdout)
        dirty = bool(command.run((*git, "status", "--porcelain", "--", "."), timeout=60).stdout.strip())
    except CommandFailed:
        ours = False
    if not ours:
        return Origin("unknown", True, day(datetime.now(UTC)))
    return Origin(sha, dirty, day(datetime.fromtimestamp(int(seconds), UTC)))


def day(moment: datetime) -> str:
    return moment.strftime("%Y%m%d")


def commit_times(root: Path) -> dict[str, int]:
    """The first twelve digits of every commit -> when it was made, in seconds; empty where there is no checkout."""
    git = ("git", "-c", f"safe.directory={root}", "-C", root)
    try:
        lines = command.run((*git, "log", "--all", "--format=%H %ct"), timeout=60).stdout.splitlines()
    except CommandFailed:
        return {}
    return {sha[:12]: int(time) for sha, _, time in (line.partition(" ") for line in lines)}
