"""Where a build comes from: the checkout's commit, and the tag that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dockwright.engine import command
from dockwright.errors import CommandFailed


@dataclass(frozen=True)
class Origin:
    """A commit, whether the work tree differs from it, and the day of the build."""

    git_sha: str
    dirty: bool
    date: str

    @property
    def tag(self) -> str:
        """`YYYYMMDD-<git_sha>`, with `-dirty` where the work tree holds what no commit has."""
        return f"{self.date}-{self.git_sha[:12]}{'-dirty' if self.dirty else ''}"


def read_origin(root: Path, now: datetime | None = None) -> Origin:
    """The origin of a build made now. A folder that is no checkout gives the SHA `unknown`, and counts as dirty.

    Neither is a folder that lies in somebody else's checkout, which does not have it in its commit.
    """
    date = (now or datetime.now(UTC)).strftime("%Y%m%d")
    git = ("git", "-c", f"safe.directory={root}", "-C", root)
    try:
        sha = command.run((*git, "rev-parse", "HEAD"), timeout=20).stdout.strip()
        ours = bool(command.run((*git, "ls-tree", "--name-only", "HEAD"), timeout=20).stdout)
        dirty = bool(command.run((*git, "status", "--porcelain", "--", "."), timeout=60).stdout.strip())
    except CommandFailed:
        ours = False
    if not ours:
        return Origin("unknown", True, date)
    return Origin(sha, dirty, date)


def commit_times(root: Path) -> dict[str, int]:
    """The first twelve digits of every commit -> when it was made, in seconds; empty where there is no checkout."""
    git = ("git", "-c", f"safe.directory={root}", "-C", root)
    try:
        lines = command.run((*git, "log", "--all", "--format=%H %ct"), timeout=60).stdout.splitlines()
    except CommandFailed:
        return {}
    return {sha[:12]: int(time) for sha, _, time in (line.partition(" ") for line in lines)}
