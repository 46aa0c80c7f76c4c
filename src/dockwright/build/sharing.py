"""What images share: pure arithmetic over layers, each known by its digest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from dockwright.build.layers import Layer


@dataclass(frozen=True)
class Size:
    """Bytes in both forms: as tar files, and as a registry transfers them."""

    unpacked: int
    compressed: int


@dataclass(frozen=True)
class Sized:
    """One image: its own layers, and those that other images of the fleet have as well."""

    unique: Size
    shared: Size

    @property
    def whole(self) -> Size:
        return Size(
            self.unique.unpacked + self.shared.unpacked,
            self.unique.compressed + self.shared.compressed,
        )


@dataclass(frozen=True)
class Totals:
    """Images added up one by one, and what is stored of them: every layer once."""

    images: Size
    stored: Size


def added(digests: Iterable[str], layers: Mapping[str, Layer]) -> Size:
    """The size of some layers, each counted once."""
    once = [layers[digest] for digest in set(digests)]
    return Size(sum(layer.unpacked for layer in once), sum(layer.compressed for layer in once))


@dataclass(frozen=True)
class Measured:
    """A fleet's images by name, each as the digests of its layers, and how large each layer is."""

    images: Mapping[str, Collection[str]]
    layers: Mapping[str, Layer]

    def sized(self) -> dict[str, Sized]:
        """Image -> its sizes."""
        holders = Counter(digest for digests in self.images.values() for digest in set(digests))
        found = {}
        for name, digests in self.images.items():
            unique = {digest for digest in digests if holders[digest] == 1}
            found[name] = Sized(added(unique, self.layers), added(set(digests) - unique, self.layers))
        return found

    def totals(self, names: Iterable[str]) -> Totals:
        """Some images together."""
        chosen = [self.images[name] for name in names]
        each = [added(digests, self.layers) for digests in chosen]
        return Totals(
            Size(sum(size.unpacked for size in each), sum(size.compressed for size in each)),
            added((digest for digests in chosen for digest in digests), self.layers),
        )
