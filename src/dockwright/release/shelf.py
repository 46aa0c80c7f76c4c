"""Where releases are kept on this host: one file each, written once, and the bills of materials that they refer to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from dockwright.build import sbom
from dockwright.engine.state import locked, state_dir
from dockwright.errors import DockwrightError, UnreadableInput, UsageError
from dockwright.release import record
from dockwright.release.record import Record, digest_of
from dockwright.spec.names import did_you_mean

LATEST, PREVIOUS = "latest", "prev"


@dataclass(frozen=True)
class Shelf:
    """The releases of a folder."""

    home: Path

    def alone(self) -> AbstractContextManager[None]:
        """Held while a release is added or something that releases refer to is removed."""
        return locked(self.home / "lock", "another ./dockwright release or prune is at work")

    def all(self) -> list[Record]:
        """Every release, the oldest first. Raises UnreadableInput where one cannot be read: nothing is left out."""
        paths = self.home.glob("[0-9]*.json")
        return sorted((_read(path) for path in paths), key=lambda one: (one.created, order(one.name)))

    def names(self) -> list[str]:
        return [one.name for one in self.all()]

    def find(self, text: str, previous: Callable[[Record], Record | None] | None = None) -> Record:
        """The release that a name, the unambiguous beginning of one, `latest` or `prev` means. Raises UsageError.

        `previous` tells the release that `prev` means while another one is the latest.
        """
        known = self.all()
        if not known:
            raise UsageError("there is no release yet", "./dockwright release create makes one")
        if text == LATEST:
            return known[-1]
        if text == PREVIOUS:
            found = previous(known[-1]) if previous else None
            if found is None:
                raise UsageError(
                    f"no release before {known[-1].name} was seen healthy", "name one of ./dockwright release list"
                )
            return found
        by_name = {one.name: one for one in known}
        return by_name[meant(text, by_name)]

    def same(self, digest: str) -> Record | None:
        """The release that has these contents."""
        return next((one for one in self.all() if one.digest == digest), None)

    def free_name(self, tag: str) -> str:
        """The tag, with a number behind it where other contents were released under it."""
        taken = set(self.names())
        number = 1
        while (name := tag if number == 1 else f"{tag}-{number}") in taken:
            number += 1
        return name

    def add(self, made: Record, bills: Mapping[str, bytes]) -> Path:
        """Write a release and what it refers to; a crash before the end leaves no release. It never replaces one."""
        for digest, data in bills.items():
            if not self.bill_path(digest).is_file():
                _write_once(self.bill_path(digest), data)
        path = self.home / f"{made.name}.json"
        _write_once(path, made.text().encode())
        return path

    def bill_path(self, digest: str) -> Path:
        return self.home / "sboms" / f"{digest.removeprefix('sha256:')}.json"

    def bill(self, digest: str) -> bytes:
        """A bill of materials by digest. Raises UnreadableInput where it is missing or other bytes."""
        path = self.bill_path(digest)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UnreadableInput(f"{path}: {error.strerror}", "its release has to be fetched again") from error
        if digest_of(data) != digest:
            raise UnreadableInput(f"{path}: was changed after it was written", "move the file away")
        return data

    def components(self, digest: str) -> tuple[sbom.Component, ...]:
        return sbom.read(self.bill(digest), str(self.bill_path(digest))).components


def here() -> Shelf:
    """The releases of this host's state folder."""
    return Shelf(state_dir() / "releases")


def _read(path: Path) -> Record:
    try:
        found = record.read(path.read_bytes(), str(path))
    except OSError as error:
        raise UnreadableInput(f"{path}: {error.strerror}", "move the file away") from error
    if found.name != path.stem:
        raise UnreadableInput(f"{path}: holds the release {found.name}", "give the file its name back")
    return found


def order(name: str) -> tuple[str, int]:
    """Names in the order in which they were given: by day, and by number within a commit."""
    day, sha, *number = name.split("-")
    return f"{day}-{sha}", int(number[0]) if number else 1


def meant(text: str, known: Collection[str]) -> str:
    """The name that some letters mean: a whole one, the only one that begins so, or with such a commit."""
    if text in known:
        return text
    found = [name for name in known if name.startswith(text)]
    # A commit alone is enough, too: it is what people copy from a log.
    found = found or [name for name in known if len(text) >= 4 and name.partition("-")[2].startswith(text)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{text} may mean {', '.join(found)}", "write more of the name")
    says = f"no release is called {text}{did_you_mean(text, [*known, LATEST, PREVIOUS])}"
    raise UsageError(says, "./dockwright release list names them")


def _write_once(path: Path, data: bytes) -> None:
    """Write a file that must not exist yet, whole or not at all, read-only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123
            os.fchmod(file.fileno(), 0o444)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(temporary)
    except FileExistsError as error:
        raise DockwrightError(f"{path} exists, and a release is never replaced") from error
    finally:
        temporary.unlink(missing_ok=True)
