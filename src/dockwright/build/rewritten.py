"""Files that a layer of an image stores once more although a layer below has them with the same content.

A copy of a parent's packages, a `chown -R`, a new time: each stores every byte again, and registries and disks keep
both. What was changed is no such file; nor are folders, links and empty files, which weigh nothing.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, Any

from dockwright.build import layers
from dockwright.build.layer import Entry, read_entries, unlike
from dockwright.build.verify import layer_name
from dockwright.engine.docker import Docker
from dockwright.errors import DockwrightError

# A configuration is a page of text; what is larger is a layer.
CONFIG = 4 * 2**20
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"


@dataclass(frozen=True)
class Again:
    """One file that is stored twice. `below`: the layer that has it already, `how`: what else differs."""

    image: str
    layer: str
    path: str
    size: int
    below: str
    how: str


@dataclass
class Saved:
    """What an archive of images holds: layers by diff id, and the configurations that say what made them."""

    layers: dict[str, dict[str, Entry]] = field(default_factory=dict)
    configs: dict[tuple[str, ...], Mapping[str, Any]] = field(default_factory=dict)


def find(docker: Docker, images: Mapping[str, str]) -> list[Again]:
    """Every such file of some images (name -> reference, parents first); a layer is told of once, with its first."""
    diff_ids = layers.diff_ids(docker, images.values())
    wanted = {digest for digests in diff_ids.values() for digest in digests}
    with docker.output("save", *dict.fromkeys(images.values())) as archive:
        saved = read(archive, wanted)
    missing = sorted(wanted - saved.layers.keys())
    if missing:
        raise DockwrightError(
            f"the engine hands out {missing[0]} neither plain nor in gzip, so nothing can look into it"
        )
    found, told = list[Again](), set[str]()
    for name, reference in images.items():
        stack = diff_ids[reference]
        config = next(
            (config for layers_, config in saved.configs.items() if tuple(dict.fromkeys(layers_)) == stack), {}
        )
        found += again(name, stack, saved.layers, config, told)
        told.update(stack)
    return found


def again(
    image: str,
    stack: Sequence[str],
    entries: Mapping[str, Mapping[str, Entry]],
    config: Mapping[str, Any],
    told: Collection[str] = (),
) -> Iterator[Again]:
    """The files of an image's layers (the lowest first) that a layer below has as well. `told`: layers to pass over."""
    have: dict[str, tuple[int, Entry]] = {}
    for index, digest in enumerate(stack):
        for path, entry in entries[digest].items() if digest not in told else ():
            below, before = have.get(path, (-1, entry))
            if below >= 0 and entry.size and before.content == entry.content:
                how = unlike(before, entry) or "nothing"
                above, under = (layer_name(config, number, len(stack)) for number in (index, below))
                yield Again(image, above, path, entry.size, under, how)
        _put(have, index, entries[digest])


def _put(have: dict[str, tuple[int, Entry]], index: int, layer: Mapping[str, Entry]) -> None:
    """Lay a layer on top of those below."""
    _remove(have, layer)
    for path, entry in layer.items():
        if entry.kind == "file":
            have[path] = (index, entry)
        elif entry.kind != "folder":
            have.pop(path, None)


def _remove(have: dict[str, tuple[int, Entry]], layer: Iterable[str]) -> None:
    """Forget what a layer takes away: `.wh.name` stands for a name, `.wh..wh..opq` for all that was in its folder."""
    gone = set()
    for path in layer:
        folder, _, name = path.rpartition("/")
        if name == OPAQUE:
            gone.add(folder)
        elif name.startswith(WHITEOUT):
            gone.add(f"{folder}/{name.removeprefix(WHITEOUT)}")
    if gone:
        for path in [path for path in have if path in gone or any(path.startswith(f"{one}/") for one in gone)]:
            del have[path]


def read(archive: IO[bytes], wanted: Collection[str]) -> Saved:
    """The wanted layers of an archive that `docker save` writes, read once from front to end."""
    saved = Saved()
    with tarfile.open(fileobj=archive, mode="r|") as members:
        for member in members:
            blob: Any = members.extractfile(member) if member.isfile() else None
            if blob is None:
                continue
            if blob.peek(2)[:2] == layers.GZIP:
                _layer(saved, gzip.GzipFile(fileobj=blob), wanted)
            elif f"sha256:{PurePosixPath(member.name).name}" in wanted:
                _layer(saved, blob, wanted)
            elif member.size <= CONFIG:
                _config(saved, blob.read())
    return saved


def _layer(saved: Saved, file: IO[bytes] | gzip.GzipFile, wanted: Collection[str]) -> None:
    stream = _Hashed(file)
    with tarfile.open(fileobj=stream, mode="r|") as tar:  # type: ignore[call-overload] # it only reads
        entries = read_entries(tar)
    while stream.read(layers.CHUNK):
        pass  # A layer's digest counts what follows its last entry, too.
    if stream.digest in wanted:
        saved.layers[stream.digest] = entries


def _config(saved: Saved, data: bytes) -> None:
    try:
        said = json.loads(data)
        saved.configs[tuple(said["rootfs"]["diff_ids"])] = said
    except (ValueError, LookupError, TypeError):
        return  # Another of the archive's own pages.


class _Hashed:
    """A file that is read from front to end, and the digest of what was read."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._sha256.update(data)
        return data

    @property
    def digest(self) -> str:
        return f"sha256:{self._sha256.hexdigest()}"
