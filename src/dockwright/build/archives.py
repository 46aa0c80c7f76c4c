"""What can be asked for the packages of one root: its archive as it is now, then snapshots of what it was."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from dockwright.errors import DockwrightError
from dockwright.lock import lists, snapshot
from dockwright.lock.archive import Archive
from dockwright.lock.resolver import Stop
from dockwright.spec.model import Root


class Archives:
    """The lists of a root's suite below `folder`, each read once, when it is first asked for."""

    def __init__(self, base: Root, folder: Path, stop: Stop) -> None:
        self._base, self._folder, self._stop = base, folder, stop
        self._read: dict[str, Archive] = {}

    def now(self) -> Archive:
        """The archive as it is. Raises Unreachable, or EngineUnavailable where this host has no keys for it."""
        return self._lists("now", None)

    def every(self, state: str) -> Iterator[Archive]:
        """The archive, then snapshots that a lock's `archive` names the state of, as long as somebody asks on."""
        yield self.now()
        for moment in snapshot.moments(state):
            lines = snapshot.sources(self._base.distribution, self._base.suite, moment)
            if not lines:
                return
            try:
                found = self._lists(moment, lines)
            except DockwrightError:
                continue  # No snapshot of that moment; whoever asks says what could not be had.
            yield found

    def _lists(self, name: str, lines: list[str] | None) -> Archive:
        if name not in self._read:
            suite = (self._base.distribution, self._base.suite)
            self._read[name] = lists.read(*suite, self._folder / name, self._stop, self._keys, lines)
        return self._read[name]

    @cached_property
    def _keys(self) -> Path | None:
        self._folder.mkdir()
        self._folder.chmod(0o755)  # apt reads keys and lists as a user of its own
        return lists.keyring(self._base.distribution, self._folder, self._stop)
