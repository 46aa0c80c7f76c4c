"""Where it is known from what modules a distribution brings: built images, an earlier look, or the wheels themselves.

A release never changes what it brings, so what was seen once is noted below the state directory, and works offline.
Of a wheel in the index only its table of contents is read. What is known from nowhere stays unknown.
"""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dockwright.audit.modules import Modules, brought
from dockwright.engine.state import dumps, read_json, state_dir, write_atomically
from dockwright.errors import DockwrightError
from dockwright.lock import files, python
from dockwright.lock.files import File
from dockwright.lock.pins import Pin
from dockwright.lock.ranged import Ranged
from dockwright.lock.resolver import Stop, Workplace
from dockwright.lock.tasks import Task

AT_ONCE = 8
TIMEOUT = 20
# Files that a wheel installs beside its packages: `name-1.0.data/platlib/name/core.so`.
DATA = re.compile(r"^[^/]+\.data/(purelib|platlib)/")
Known = dict[str, tuple[str, ...]]


def notes() -> Path:
    """Where it is noted which modules a release brings."""
    return state_dir() / "audit" / "modules.json"


def noted(path: Path) -> Known:
    """Release (`name==version`) -> modules; entries of another shape are learned again."""
    found = {}
    for release, names in (read_json(path) or {}).items():
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            found[release] = tuple(names)
    return found


def note(path: Path, known: Known) -> None:
    """Note what was learned, beside what was known before."""
    before = noted(path)
    if before | known != before:
        write_atomically(path, dumps(before | known))


def installed(records: Mapping[str, Iterable[str]]) -> Known:
    """What an image teaches. `records`: release -> the files of its RECORD."""
    return {release: brought(listed) for release, listed in records.items()}


def release(pin: Pin) -> str:
    """`name==version`."""
    return f"{pin.name}=={pin.version}"


def modules(pins: Mapping[str, Pin], known: Mapping[str, tuple[str, ...]]) -> Modules:
    """The modules of locked packages, as far as they are known."""
    told = {name: known[release(pin)] for name, pin in pins.items() if release(pin) in known}
    return Modules(told, frozenset(pins.keys() - told.keys()))


def asked(task: Task, root: Path, pins: Mapping[str, Pin], stop: Stop) -> Known:
    """What the index says of the wheels of some pins; nothing where it does not answer."""
    with tempfile.TemporaryDirectory(prefix="dockwright-audit-") as folder:
        place = Workplace(Path(folder), root, stop)
        place.prepare(task)
        pylock = place.folder / "pylock.toml"
        try:
            place.uv(python.files_command(task, root / task.file, pylock), task.name)
        except DockwrightError:
            return {}
        offered = files.chosen(pylock.read_text(), task.target)
    wanted = {name: offered[name] for name in pins if name in offered and offered[name].name.endswith(".whl")}
    with ThreadPoolExecutor(AT_ONCE, "modules") as pool:
        listed = dict(zip(wanted, pool.map(contents, wanted.values()), strict=True))
    return {release(pins[name]): brought(inside) for name, inside in listed.items() if inside is not None}


def contents(file: File) -> list[str] | None:
    """The files that a wheel installs; None where its table of contents cannot be had."""
    try:
        if urlsplit(file.url).scheme in ("http", "https"):
            return _listed(io.BufferedReader(Ranged(file.url, TIMEOUT), 64 * 1024))
        return _listed(Path(unquote(urlsplit(file.url).path)).open("rb"))
    except (OSError, ValueError, zipfile.BadZipFile):
        return None


def _listed(stream: io.BufferedIOBase) -> list[str]:
    with stream, zipfile.ZipFile(stream) as wheel:
        return [DATA.sub("", name) for name in wheel.namelist()]
