"""Measured images as people and programs read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

from dockwright.build.sharing import Measured, Sized
from dockwright.cli.progress import megabytes

COLUMNS = ("IMAGE", "UNPACKED", "COMPRESSED", "PACKAGES", "UNIQUE", "SHARED", "BUDGET", "")


def amount(size: int) -> str:
    """Bytes as MB, the few as kB: what an image has alone is often its last layer only."""
    return f"{size / 1e3:.0f} kB" if size < 1e5 else megabytes(size)


@dataclass(frozen=True)
class Told:
    """What `sizes` says of the images called `names`.

    `budgets`: family -> compressed bytes. `packages`: family or service -> published bytes of its locks.
    """

    measured: Measured
    names: Sequence[str]
    budgets: Mapping[str, int]
    packages: Mapping[str, int]
    absent: Mapping[str, str]

    @cached_property
    def shown(self) -> dict[str, Sized]:
        """The images that are built, of those that were asked for."""
        sizes = self.measured.sized()
        return {name: sizes[name] for name in self.names if name in sizes}

    @property
    def over(self) -> list[str]:
        """The families that are larger than they may be."""
        return [name for name in self.shown if self._left(name) < 0]

    def _left(self, name: str) -> int:
        compressed = self.shown[name].whole.compressed
        return self.budgets.get(name, compressed) - compressed

    def rows(self) -> list[tuple[str, ...]]:
        """One line an image; unique and shared are unpacked bytes."""
        return [self._row(name, size) for name, size in self.shown.items()]

    def _row(self, name: str, size: Sized) -> tuple[str, ...]:
        left = self._left(name)
        budget = megabytes(self.budgets[name]) if name in self.budgets else "-"
        verdict = f"{megabytes(abs(left))} {'over' if left < 0 else 'under'}" if name in self.budgets else ""
        published = self._published(name)
        packages = "-" if published is None else amount(published)
        whole, unique, shared = size.whole, amount(size.unique.unpacked), amount(size.shared.unpacked)
        return name, amount(whole.unpacked), amount(whole.compressed), packages, unique, shared, budget, verdict

    def _published(self, name: str) -> int | None:
        return self.packages.get(name.rpartition("/")[2])

    def closing(self) -> str:
        """Totals, and what is left out."""
        total = self.measured.totals(self.shown)
        lines = ["", "unpacked, unique and shared: tar files of layers; budgets: of what is compressed"]
        for word, size in (("added up", total.images), ("stored once", total.stored)):
            lines.append(f"{word}: {megabytes(size.unpacked)} unpacked, {megabytes(size.compressed)} compressed")
        why: dict[str, list[str]] = {}
        for name in self.names:
            if name in self.absent:
                why.setdefault(self.absent[name], []).append(name)
        for reason, names in why.items():
            some = f": {', '.join(names)}" if len(names) <= 12 else f": {len(names)} images"
            lines.append(f"{reason}{some}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        """The shape that `sizes --json` prints."""
        return {
            "images": [
                {
                    "name": name,
                    **asdict(size.whole),
                    "unique": asdict(size.unique),
                    "shared": asdict(size.shared),
                    "packages": self._published(name),
                    "budget": self.budgets.get(name),
                    "over": name in self.over,
                }
                for name, size in self.shown.items()
            ],
            "totals": asdict(self.measured.totals(self.shown)),
            "absent": {name: self.absent[name] for name in self.names if name in self.absent},
        }
