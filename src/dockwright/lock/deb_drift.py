"""Which locks of Debian packages do not fit any more: read off the files alone, so fast and without a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dockwright.errors import UnreadableInput
from dockwright.lock import debs
from dockwright.lock.deb_tasks import DebTask, asked, input_digest, parent_digest
from dockwright.lock.made import Made
from dockwright.spec.finding import Finding, SpecError
from dockwright.spec.model import Fleet


def stale(task: DebTask, fleet: Fleet, root: Path, made: Mapping[str, Made]) -> list[Finding]:
    """Why a lock must be made again; empty when it need not."""
    shown = str(task.file)
    try:
        lock = debs.read(root / task.file, shown)
        above = [debs.read(root / path, str(path)) for path in task.above]
        digest = input_digest(task, fleet, root)
    except SpecError as error:
        return list(error.findings)
    except UnreadableInput as error:
        return [_finding("lock-unreadable", task.file.name, shown, str(error).removeprefix(f"{shown}: "))]
    found = []
    if lock.head.get("content") != lock.digest:
        says = "was changed by hand, or written by an older version; ./dockwright lock makes it again"
        found.append(_finding("lock-edited", "content", shown, says))
    if lock.head.get("inputs") != digest:
        source = task.asked or f"fleet/fleet.toml [roots.{task.root}]"
        found.append(_finding("lock-drift", "inputs", shown, f"was made from another {source} than now"))
    if above and lock.head.get("parent") != parent_digest(above):
        says = f"was made on top of other packages than {', '.join(map(str, task.above))}"
        found.append(_finding("lock-drift", "parent", shown, says))
    have = {name for other in (lock, *above) for name in other.debs}
    unpinned = [name for name in asked(task, fleet, root) if name not in have]
    found += [_finding("lock-closure", name, shown, "is asked for and not in the lock") for name in unpinned]
    mine = made.get(task.name)
    if mine and mine.denies(lock):
        says = f"the root made here from these packages is {mine.digest}; the lock says otherwise"
        found.append(_finding("lock-root", "digest", shown, says))
    return found


def _finding(rule: str, path: str, file: str, says: str) -> Finding:
    return Finding(rule, "error", path, file, 1, says)
