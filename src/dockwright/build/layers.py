"""How large the layers of images are, unpacked and compressed, measured on what the engine hands out.

A layer is known by its diff id: the sha256 of its tar file, the same whoever stores it and however it is packed.
Unpacked is the length of that tar file. Compressed is the length of the stored blob where the engine keeps it in gzip,
which is what it pushes; where it keeps the plain tar file (roots, and engines with graph drivers), the layer is
compressed while it streams by, with gzip at level 6: zlib's and BuildKit's own default. A registry's transfer of such
a layer can differ from that by a few per cent.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from dockwright.engine.docker import Docker
from dockwright.engine.state import dumps, read_json, state_dir, write_atomically
from dockwright.errors import DockwrightError

GZIP = b"\x1f\x8b"
LEVEL = 6
CHUNK = 2**20


@dataclass(frozen=True)
class Layer:
    """One layer in bytes. `stored`: the compressed length is that of the engine's own blob, not of one made here."""

    unpacked: int
    compressed: int
    stored: bool


def diff_ids(docker: Docker, references: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Reference -> its distinct layers, the lowest first. Raises DockwrightError for one that is gone."""
    found = {}
    for reference in references:
        entries: list[Any] = docker.inspect("image", [reference])
        if not entries:
            raise DockwrightError(f"the engine has no image {reference} any more", "run the command again")
        found[reference] = tuple(dict.fromkeys(entries[0]["RootFS"]["Layers"]))
    return found


def measure(
    docker: Docker, images: Mapping[str, Collection[str]], known: Mapping[str, Layer] | None = None
) -> dict[str, Layer]:
    """The layers of images (reference -> diff ids); those that are `known` are not read again."""
    wanted = {layer for layers in images.values() for layer in layers}
    found = {layer: size for layer, size in (known or {}).items() if layer in wanted}
    open_ = wanted - found.keys()
    if open_:
        references = [reference for reference, layers in images.items() if not open_.isdisjoint(layers)]
        with docker.output("save", *references) as archive:
            found.update(saved(archive, open_))
    missing = sorted(wanted - found.keys())
    if missing:
        raise DockwrightError(f"the engine hands out {missing[0]} neither plain nor in gzip, so nothing can measure it")
    return found


def saved(archive: IO[bytes], wanted: Collection[str]) -> Iterator[tuple[str, Layer]]:
    """The wanted layers of an archive that `docker save` writes, read once from front to end."""
    with tarfile.open(fileobj=archive, mode="r|") as entries:
        for entry in entries:
            blob: Any = entries.extractfile(entry) if entry.isfile() else None
            if blob is None:
                continue
            if blob.peek(2)[:2] == GZIP:
                digest, unpacked, _ = _read(gzip.GzipFile(fileobj=blob), compress=False)
                layer = Layer(unpacked, entry.size, stored=True)
            elif f"sha256:{PurePosixPath(entry.name).name}" in wanted:
                digest, unpacked, compressed = _read(blob, compress=True)
                layer = Layer(unpacked, compressed, stored=False)
            else:
                continue
            if digest in wanted:
                yield digest, layer


def _read(file: IO[bytes] | gzip.GzipFile, *, compress: bool) -> tuple[str, int, int]:
    """The digest of a stream, its length, and its length in gzip (0 when nobody wants to know)."""
    digest, length, packed = hashlib.sha256(), 0, 0
    packer = zlib.compressobj(LEVEL, wbits=31) if compress else None
    for chunk in iter(partial(file.read, CHUNK), b""):
        digest.update(chunk)
        length += len(chunk)
        packed += len(packer.compress(chunk)) if packer else 0
    packed += len(packer.flush()) if packer else 0
    return f"sha256:{digest.hexdigest()}", length, packed


def notes() -> Path:
    """Where measured layers are noted: a layer never changes its size, and compressing takes seconds."""
    return state_dir() / "layers.json"


def noted(path: Path) -> dict[str, Layer]:
    """What an earlier run measured; entries of another shape are measured again."""
    found = {}
    for digest, value in (read_json(path) or {}).items():
        if isinstance(value, list) and [type(part) for part in value] == [int, int, bool]:
            found[digest] = Layer(*value)
    return found


def note(path: Path, layers: Mapping[str, Layer]) -> None:
    """Note the layers of the present fleet; what no image has any more is forgotten."""
    told = {digest: [layer.unpacked, layer.compressed, layer.stored] for digest, layer in layers.items()}
    write_atomically(path, dumps(told))
