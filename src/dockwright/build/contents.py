"""Where the bytes of one image go: by Debian package, Python distribution, kit, application, and folder.

Read off the image's file system as `docker export` writes it: dpkg's own lists and each distribution's RECORD say whose
a file is. Byte code belongs to its source's owner, whoever compiled it. Only contents of regular files are counted, a
file with several names once.
"""

from __future__ import annotations

import csv
import posixpath
import re
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO

from dockwright.engine.docker import Docker

LIST = re.compile(r"var/lib/dpkg/info/(?P<name>[^:/]+)(:\w+)?\.list")
RECORD = re.compile(r"(?P<base>.+)/(?P<name>[^/]+?)-[^/-]+\.dist-info/RECORD")
BYTE_CODE = re.compile(r"(?P<folder>.*/)__pycache__/(?P<module>[^/]+?)\.[\w-]+?(\.opt-\d)?\.pyc")
KIT = re.compile(r"usr/local/lib/python3[^/]*/dist-packages/servicekit/")
APPLICATION = "app/"
# Sets the image's own label aside: nothing that looks for instances may take this container for one.
CREATE = ("create", "--pull=never", "--network=none", "--label=io.dockwright.role=measured")


@dataclass(frozen=True)
class Part:
    """All files of one owner. `kind`: debian, python, kit, application or other; `name` of the last is a folder."""

    kind: str
    name: str
    size: int
    files: int


@dataclass
class Files:
    """A file system without its contents, but for the lists of what belongs to whom."""

    sizes: dict[str, int] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    """Top-level names that lead elsewhere: `bin` -> `usr/bin`."""


def of_image(docker: Docker, reference: str) -> list[Part]:
    """The parts of an image, the largest first. The container that this takes never runs, and is removed."""
    container = docker.run(*CREATE, reference).strip()
    try:
        with docker.output("export", container) as archive:
            files = read(archive)
    finally:
        docker.run("rm", "--force", "--volumes", container, check=False)
    return parts(files)


def read(archive: IO[bytes]) -> Files:
    """Take a tar file's entries one by one."""
    found = Files()
    with tarfile.open(fileobj=archive, mode="r|") as entries:
        for entry in entries:
            path = entry.name.removeprefix("./")
            if entry.issym() and "/" not in path:
                found.links[path] = entry.linkname.strip("/")
            if not entry.isreg():
                continue
            found.sizes[path] = entry.size
            if LIST.fullmatch(path) or RECORD.fullmatch(path):
                file = entries.extractfile(entry)
                found.lists[path] = file.read().decode(errors="replace") if file else ""
    return found


def parts(files: Files) -> list[Part]:
    """Who owns what, the largest first."""
    owners = dict(_owners(files))
    sizes: Counter[tuple[str, str]] = Counter()
    count: Counter[tuple[str, str]] = Counter()
    for path, size in files.sizes.items():
        owner = _owner(path, owners)
        sizes[owner] += size
        count[owner] += 1
    made = [Part(kind, name, size, count[kind, name]) for (kind, name), size in sizes.items()]
    return sorted(made, key=lambda part: (-part.size, part.kind, part.name))


def _owner(path: str, owners: dict[str, tuple[str, str]]) -> tuple[str, str]:
    if path in owners:
        return owners[path]
    compiled = BYTE_CODE.fullmatch(path)
    source = f"{compiled['folder']}{compiled['module']}.py" if compiled else ""
    if source in owners:
        return owners[source]
    if KIT.match(path):
        return "kit", "servicekit"
    if path.startswith(APPLICATION):
        return "application", "app"
    return "other", "/" + "/".join(path.split("/")[:-1][:3])


def _owners(files: Files) -> Iterator[tuple[str, tuple[str, str]]]:
    for path, text in files.lists.items():
        debian, python = LIST.fullmatch(path), RECORD.fullmatch(path)
        if debian:
            yield from ((_real(line, files.links), ("debian", debian["name"])) for line in text.splitlines())
        elif python:
            yield from ((name, ("python", python["name"])) for name in _recorded(python["base"], text.splitlines()))


def _real(path: str, links: dict[str, str]) -> str:
    """A path of dpkg's as it is on disk: `/bin/sh` lies in `usr/bin` since the folders were merged."""
    first, slash, rest = path.strip("/").partition("/")
    return f"{links.get(first, first)}{slash}{rest}"


def _recorded(base: str, lines: Iterable[str]) -> Iterator[str]:
    for row in csv.reader(lines):
        if row:
            yield posixpath.normpath(posixpath.join(base, row[0]))
