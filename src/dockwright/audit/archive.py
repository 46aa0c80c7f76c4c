"""Which packages of a distribution bring a library, as its archive's index of contents says."""

from __future__ import annotations

from collections.abc import Callable, Collection

from dockwright.errors import DockwrightError
from dockwright.lock import apt, lists
from dockwright.lock.resolver import Stop
from dockwright.spec.model import Fleet

Say = Callable[[str], None]


def bringing(fleet: Fleet, root: str, libraries: Collection[str], stop: Stop, say: Say) -> dict[str, tuple[str, ...]]:
    """Library -> the packages that have it, none or more; empty where the archive cannot be asked."""
    say(f"asking the archive of {root} which packages bring {', '.join(sorted(libraries)[:3])}")
    try:
        lists.ensure_maker(allowed=False, say=say)
        with apt.opened(fleet, root, stop) as archive:
            return archive.holding(libraries)
    except DockwrightError as error:
        say(f"{error}: which packages bring what is missing stays unknown")
        return {}
