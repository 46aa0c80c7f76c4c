"""Compares two layers, tar files compressed or not, file by file."""

from __future__ import annotations

import hashlib
import tarfile
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import IO

CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """What a layer says of one path; the fields in the order in which a difference is named."""

    kind: str
    link: str
    mode: str
    owner: str
    size: int
    content: str
    mtime: float
    attributes: str


KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "symbolic link",
    tarfile.LNKTYPE: "hard link",
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
    tarfile.FIFOTYPE: "pipe",
}


def compare(first: Path, second: Path) -> tuple[str, str, int]:
    """The first path that differs, what differs there, and how many paths differ.

    The path is empty, and their number 0, where every file is equal and only the order or the packing is not.
    """
    one, other = entries(first), entries(second)
    paths = [path for path in sorted({*one, *other}) if one.get(path) != other.get(path)]
    if paths:
        # A folder's time follows from what is in it: that is named first.
        path = next((each for each in paths if not _only_time(one.get(each), other.get(each))), paths[0])
        return path, unlike(one.get(path), other.get(path)), len(paths)
    if list(one) != list(other):
        path = next(each for each, beside in zip(one, other, strict=True) if each != beside)
        return "", f"the same files in another order, from {path} on", 0
    return "", "the same files, packed in another way", 0


def entries(layer: Path) -> dict[str, Entry]:
    """Path -> what the layer says of it, in the layer's order; the file is read once, from its beginning."""
    with tarfile.open(layer, "r|*") as tar:
        return read_entries(tar)


def read_entries(tar: tarfile.TarFile) -> dict[str, Entry]:
    """Path -> what a layer that was opened says of it."""
    found: dict[str, Entry] = {}
    for member in tar:
        content = tar.extractfile(member) if member.isreg() else None
        found["/" + member.name.removeprefix("./").strip("/")] = Entry(
            KINDS.get(member.type, repr(member.type)),
            member.linkname,
            f"{member.mode:04o}",
            f"{member.uid}:{member.gid} {member.uname}:{member.gname}".removesuffix(" :"),
            member.size,
            _sha256(content) if content else "",
            member.mtime,
            " ".join(f"{key}={value!r}" for key, value in sorted(member.pax_headers.items()) if _attribute(key)),
        )
    return found


def unlike(first: Entry | None, second: Entry | None) -> str:
    """`mode 0644 against 0600, size 3 against 4`."""
    if first is None or second is None:
        return f"only in the {'second' if first is None else 'first'} build"
    pairs = zip((field.name for field in fields(Entry)), astuple(first), astuple(second), strict=True)
    return ", ".join(f"{name} {one} against {other}" for name, one, other in pairs if one != other)


def _only_time(first: Entry | None, second: Entry | None) -> bool:
    if first is None or second is None:
        return False
    return first.kind == "folder" and unlike(first, second).startswith("mtime ")


def _attribute(key: str) -> bool:
    return key.startswith(("SCHILY.xattr.", "LIBARCHIVE.xattr."))


def _sha256(file: IO[bytes]) -> str:
    made = hashlib.sha256()
    while chunk := file.read(CHUNK):
        made.update(chunk)
    return made.hexdigest()[:16]
