"""What both kinds of packages have in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name


@dataclass(frozen=True)
class Held:
    """What a package carries inside of itself, and says so: a crate, a C library."""

    name: str
    version: str
    purl: str
    licences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Package:
    """An installed package. `needs`: references of others that are installed and that it asks for."""

    kind: str  # the type of its purl
    name: str
    version: str
    purl: str
    licences: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    holds: tuple[Held, ...] = ()
    record: str = ""  # sha256 of the list of its files, where it has one that holds their hashes

    @property
    def reference(self) -> str:
        """What it is called within one bill: Python's names have many spellings, Debian's have one."""
        return f"{self.kind}/{canonicalize_name(self.name) if self.kind == 'pypi' else self.name}"


def text_of(root: Path, path: Path) -> str:
    """A file below `root`, or nothing where it is not there, or lies outside by way of a link."""
    if not path.resolve().is_relative_to(root.resolve()) or not path.is_file():
        return ""
    return path.read_text(encoding="utf-8", errors="replace")
