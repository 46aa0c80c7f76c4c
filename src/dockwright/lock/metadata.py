"""What packages say they need, from the packages themselves: their METADATA, without downloading what is large.

Beside a wheel in the index (PEP 658), or from a small wheel, whose hash is then checked, or from the part of a large
wheel that holds it. It never changes, so what was read once is kept below the state directory under the wheel's hash.
"""

from __future__ import annotations

import email.parser
import hashlib
import io
import json
import urllib.request
import zipfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dockwright.engine.state import state_dir, write_atomically
from dockwright.lock.files import File
from dockwright.lock.ranged import Ranged

MAX_BYTES = 4 * 1024 * 1024
SMALL = 512 * 1024
AT_ONCE = 8
TIMEOUT = 20


def read(files: Iterable[File], *, offline: bool) -> dict[str, tuple[str, ...]]:
    """sha256 -> requirements of each wheel whose metadata can be had; what cannot be had is left out."""
    wanted = {file.sha256: file for file in files if file.name.endswith(".whl")}
    found = {digest: known for digest in wanted if (known := _kept(digest)) is not None}
    missing = [file for digest, file in wanted.items() if digest not in found and not (offline and _remote(file))]
    with ThreadPoolExecutor(AT_ONCE, "metadata") as pool:
        for file, requires in zip(missing, pool.map(_fetched, missing), strict=True):
            if requires is not None:
                found[file.sha256] = requires
                _keep(file.sha256, requires)
    return found


def _place(digest: str) -> Path:
    return state_dir() / "lock" / "metadata" / f"{digest.removeprefix('sha256:')}.json"


def _kept(digest: str) -> tuple[str, ...] | None:
    try:
        said = json.loads(_place(digest).read_text())
    except (OSError, ValueError):
        return None
    good = isinstance(said, list) and all(isinstance(item, str) for item in said)
    return tuple(said) if good else None


def _keep(digest: str, requires: tuple[str, ...]) -> None:
    try:
        write_atomically(_place(digest), json.dumps(requires))
    except OSError:
        return  # Only kept so that it need not be asked again.


def _remote(file: File) -> bool:
    return urlsplit(file.url).scheme in ("http", "https")


def _fetched(file: File) -> tuple[str, ...] | None:
    """None where it cannot be had: the resolver's own word has to do then."""
    try:
        if not _remote(file):
            return in_wheel(Path(unquote(urlsplit(file.url).path)).open("rb"))
        return _beside(file) or _inside(file)
    except (OSError, ValueError, zipfile.BadZipFile, StopIteration):
        return None


def _beside(file: File) -> tuple[str, ...] | None:
    try:
        with urllib.request.urlopen(f"{file.url}.metadata", timeout=TIMEOUT) as reply:  # noqa: S310 - http(s) only
            return parsed(reply.read(MAX_BYTES + 1))
    except OSError:
        return None


def _inside(file: File) -> tuple[str, ...]:
    if file.size > SMALL or not file.size:
        return in_wheel(io.BufferedReader(Ranged(file.url, TIMEOUT), 64 * 1024))
    with urllib.request.urlopen(file.url, timeout=TIMEOUT) as reply:  # noqa: S310 - http(s) only
        data = reply.read(SMALL + 1)
    if f"sha256:{hashlib.sha256(data).hexdigest()}" != file.sha256:
        raise ValueError(f"{file.name} is not what the index says it is")
    return in_wheel(io.BytesIO(data))


def in_wheel(stream: io.BufferedIOBase) -> tuple[str, ...]:
    """The requirements that a wheel's METADATA names."""
    with stream, zipfile.ZipFile(stream) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA") and name.count("/") == 1)
        with wheel.open(name) as entry:
            return parsed(entry.read(MAX_BYTES + 1))


def parsed(data: bytes) -> tuple[str, ...]:
    """The requirements that a METADATA file names. Raises ValueError when it is larger than metadata gets."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"a package's metadata is larger than {MAX_BYTES // 2**20} MiB")
    message = email.parser.BytesHeaderParser().parsebytes(data)
    return tuple(" ".join(str(value).split()) for value in message.get_all("Requires-Dist", []))
