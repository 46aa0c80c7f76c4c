"""Prints what an image's file system holds for the loader, as JSON; run in a container of it, by its own Python.

Nothing of the image is executed but its Python and `ldconfig -p`, which prints the loader's cache. Needs Python 3.10
and pyelftools, which is brought along.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dockwright.audit import calls, elf

# The kernel's own, and what was brought along.
NOT_THE_IMAGE = {"proc", "sys", "dev", "dockwright-audit"}
CACHED = re.compile(r"^\s+(?P<name>\S+) \((?P<kind>[^)]*)\) => (?P<path>\S+)$")
SITE = re.compile(r"/python3[^/]*/(dist|site)-packages$")


def look(root: Path) -> dict[str, Any]:
    """Everything about a file system at `root`; paths are told as they are in the image, from `/`."""
    found: dict[str, Any] = {"elf": {}, "broken": {}, "links": {}, "scripts": {}, "releases": {}, "calls": []}
    for full, mode in _walk(root):
        path = "/" + str(full.relative_to(root))
        if stat.S_ISLNK(mode):
            found["links"][path] = str(full.readlink())
        elif stat.S_ISREG(mode):
            _file(found, path, full, executable=bool(mode & 0o111))
        elif SITE.search(path):
            found["releases"].update(_releases(full, path))
    found["cache"] = _cache(root / "etc/ld.so.cache")
    found["library_path"] = [part for part in os.environ.get("LD_LIBRARY_PATH", "").split(":") if part]
    dpkg = root / "var/lib/dpkg"
    found["status"] = _text(dpkg / "status")
    found["lists"] = {one.name[: -len(".list")]: _text(one).splitlines() for one in (dpkg / "info").glob("*.list")}
    return found


def _walk(root: Path) -> Iterator[tuple[Path, int]]:
    for here, folders, names in os.walk(root):
        if Path(here) == root:
            folders[:] = [name for name in folders if name not in NOT_THE_IMAGE]
        for name in sorted((*folders, *names)):
            full = Path(here, name)
            yield full, full.lstat().st_mode


def _file(found: dict[str, Any], path: str, full: Path, *, executable: bool) -> None:
    try:
        if path.endswith(".py"):
            found["calls"] += [[kind, name, path, line] for kind, name, line in calls.calls(full.read_bytes())]
        elif read := elf.read(full):
            found["elf"][path] = read
        elif executable:
            with full.open("rb") as file:
                first = file.readline(256)
            found["scripts"][path] = first[2:].decode(errors="replace").strip() if first.startswith(b"#!") else ""
    except elf.Broken as error:
        found["broken"][path] = str(error)
    except OSError:
        return  # Its owner alone may read it: no service can load it either.


def _releases(full: Path, site: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """`name==version` -> where it lies, its files as RECORD lists them, and what it requires."""
    for one in importlib.metadata.distributions(path=[str(full)]):
        listed = [str(file) for file in one.files or ()]
        yield f"{one.name}=={one.version}", {"site": site, "files": listed, "requires": list(one.requires or ())}


def _cache(path: Path) -> list[list[str]]:
    """The loader's cache as ldconfig prints it: name, kind, path; earlier ones win."""
    words = ("/sbin/ldconfig", "-C", str(path), "-p")
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError:
        return []
    lines = map(CACHED.match, done.stdout.splitlines())
    return [[match["name"], match["kind"], match["path"]] for match in lines if match]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


if __name__ == "__main__":
    json.dump(look(Path("/")), sys.stdout)
