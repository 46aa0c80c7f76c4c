"""slim_wheels.py FOLDER UNUSED TARGET: put the wheels of FOLDER into TARGET without what no service uses.

What goes: the files that UNUSED names (unused.py decides), scripts whose module goes, and what only debuggers read of
shared libraries (library.py). A wheel's RECORD stays true. FOLDER/wheels.lock says which wheels are to be installed,
with hashes; TARGET/wheels.lock the same of what TARGET holds. Wheels of which everything is used are linked to.
"""

import base64
import copy
import csv
import hashlib
import io
import re
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

import library
import unused

# Packing these anew would take minutes, and what could go is nothing beside what stays.
LARGE = 64 * 1024 * 1024
WORTH_TELLING = 100_000


def slim(path: Path, patterns: Iterable[str], target: Path) -> int:
    """Write a wheel without what is unused, if there is any; how many bytes went."""
    with zipfile.ZipFile(path) as wheel:
        names = [entry.filename for entry in wheel.infolist() if not entry.is_dir()]
        going = unused.unused(names, patterns, wheel.read)
        changed: dict[str, bytes] = {}
        for name in sorted({*names} - going):
            if ".so" in name:
                changed[name] = library.slim(wheel.read(name))
            elif name.endswith(".dist-info/entry_points.txt"):
                changed[name] = without_scripts(wheel.read(name), going)
        before = sum(wheel.getinfo(name).file_size for name in {*going, *changed})
        went = before - sum(map(len, changed.values()))
        if went:
            _pack(wheel, target, [name for name in names if name not in going], changed)
    return went


def _pack(wheel: zipfile.ZipFile, target: Path, names: list[str], changed: dict[str, bytes]) -> None:
    (record,) = (name for name in names if name.endswith(".dist-info/RECORD"))
    rows = csv.reader(wheel.read(record).decode().splitlines())
    kept, lines = {*names}, io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows(
        [row[0], _hash(changed[row[0]]), len(changed[row[0]])] if row[0] in changed else row
        for row in rows
        if row and row[0] in kept
    )
    files = {**changed, record: lines.getvalue().encode()}
    # Not compressed: nothing but the next step reads it.
    with zipfile.ZipFile(target, "w") as made:
        for name in names:
            data = files[name] if name in files else wheel.read(name)
            made.writestr(copy.copy(wheel.getinfo(name)), data, zipfile.ZIP_STORED)


def _hash(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def without_scripts(text: bytes, going: set[str]) -> bytes:
    """entry_points.txt without the scripts whose module goes."""
    kept = []
    for line in text.decode().splitlines(keepends=True):
        module = line.partition("=")[2].partition(":")[0].strip().replace(".", "/")
        if f"{module}.py" not in going and f"{module}/__init__.py" not in going:
            kept.append(line)
    return "".join(kept).encode()


def listed(lock: str, made: dict[str, str]) -> str:
    """wheels.lock with the hashes of wheels that were made anew (name -> hash)."""
    lines = []
    for line in lock.splitlines():
        pin, _, known = line.partition(" --hash=sha256:")
        lines.append(f"{pin} --hash=sha256:{made.get(_normal(pin.partition('==')[0]), known)}\n")
    return "".join(lines)


def _normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main(folder: Path, patterns: list[str], target: Path) -> None:
    target.mkdir()
    made: dict[str, str] = {}
    for path in sorted(folder.glob("*.whl")):
        new = target / path.name
        went = slim(path, patterns, new) if path.stat().st_size <= LARGE else 0
        if went:
            made[_normal(path.name.partition("-")[0])] = hashlib.sha256(new.read_bytes()).hexdigest()
        else:
            new.symlink_to(path)
        if went >= WORTH_TELLING:
            print(f"{path.name}: without {went / 1e6:.1f} MB that no service uses")
    (target / "wheels.lock").write_text(listed((folder / "wheels.lock").read_text(), made))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), unused.patterns(Path(sys.argv[2])), Path(sys.argv[3]))
