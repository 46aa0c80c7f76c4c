"""A file system as the loader sees it: paths behind symbolic links, ELF files, and who owns each of them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

LINKS_AT_MOST = 40  # as Linux has it


@dataclass(frozen=True)
class Elf:
    """One ELF file. `wants`: library -> versions of it; `gives`: the versions that it has itself."""

    kind: str
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    soname: str = ""
    program: bool = False
    wants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gives: frozenset[str] = frozenset()


@dataclass(frozen=True, order=True)
class Owner:
    """Who brought a file: a Debian package, a Python distribution (`name` is normalised), or nobody known."""

    kind: str = "other"
    name: str = ""

    def __str__(self) -> str:
        return self.name or "files of no package"


@dataclass(frozen=True)
class Deb:
    """An installed Debian package as dpkg's status tells of it. `size` in bytes, as dpkg estimates it."""

    name: str
    depends: tuple[tuple[str, ...], ...] = ()  # each one needs one of its alternatives
    provides: tuple[str, ...] = ()
    essential: bool = False
    size: int = 0


@dataclass(frozen=True)
class Call:
    """A program that Python code runs, or a library that it opens by name; `file` is a path in the image."""

    kind: str
    name: str
    file: str
    line: int


@dataclass(frozen=True)
class System:
    """What `inside.look` told of an image."""

    elf: Mapping[str, Elf]
    broken: Mapping[str, str]  # file that begins like ELF -> why it is none
    links: Mapping[str, str]
    cache: Mapping[tuple[str, str], str]  # (name, kind as ldconfig writes it) -> path
    library_path: tuple[str, ...]
    scripts: Mapping[str, str]  # executable file that is no ELF -> the interpreter that its first line names
    owners: Mapping[str, Owner]
    debs: Mapping[str, Deb]
    requires: Mapping[str, frozenset[str]]  # Python distribution -> those that it asks for
    records: Mapping[str, tuple[str, ...]]  # release -> the files of its RECORD
    calls: tuple[Call, ...]

    @cached_property
    def _real(self) -> dict[str, str]:
        return {}

    def real(self, path: str) -> str:
        """Where a path leads after all symbolic links; a link that leads nowhere leads to itself."""
        if path not in self._real:
            self._real[path] = self._followed(path)
        return self._real[path]

    def _followed(self, path: str) -> str:
        done, waiting, links = "/", [part for part in path.split("/") if part], 0
        while waiting:
            part = waiting.pop(0)
            if part in (".", ".."):
                done = posixpath.dirname(done) if part == ".." else done
                continue
            here = posixpath.join(done, part)
            target = self.links.get(here)
            if target is None:
                done = here
                continue
            links += 1
            if links > LINKS_AT_MOST:
                return path
            done = "/" if target.startswith("/") else done
            waiting = [*(part for part in target.split("/") if part), *waiting]
        return done

    def owner(self, path: str) -> Owner:
        """Who brought the file that a path leads to."""
        return self.owners.get(self.real(path), Owner())

    def program(self, name: str) -> str:
        """Where a program lies; empty where there is none."""
        folders = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
        for path in (name,) if "/" in name else (f"{folder}/{name}" for folder in folders):
            real = self.real(path)
            if real in self.elf or real in self.scripts:
                return real
        return ""

    def libraries(self, name: str) -> list[str]:
        """The libraries of a name, whatever their version: `libz.so.1` and `libz.so` mean the same."""
        return self._libraries.get(_stem(name), [])

    @cached_property
    def _libraries(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.elf:
            found.setdefault(_stem(path), []).append(path)
        return found


def _stem(path: str) -> str:
    return posixpath.basename(path).split(".so")[0]


def read(told: Mapping[str, Any]) -> System:
    """What a container told, with owners worked out."""
    links = dict(told["links"])
    bare = System({}, {}, links, {}, (), {}, {}, {}, {}, {}, ())
    owners = {bare.real(path): Owner("debian", _bare(name)) for name, paths in told["lists"].items() for path in paths}
    requires: dict[str, frozenset[str]] = {}
    records: dict[str, tuple[str, ...]] = {}
    for release, said in told["releases"].items():
        name = canonicalize_name(release.partition("==")[0])
        requires[name] = _required(said["requires"])
        records[f"{name}=={release.partition('==')[2]}"] = tuple(said["files"])
        for file in said["files"]:
            owners[bare.real(posixpath.join(said["site"], file))] = Owner("python", name)
    return System(
        {path: _elf(said) for path, said in told["elf"].items()},
        dict(told["broken"]),
        links,
        _cache(told["cache"]),
        tuple(told["library_path"]),
        dict(told["scripts"]),
        owners,
        {deb.name: deb for deb in map(_deb, told["status"].split("\n\n")) if deb},
        requires,
        records,
        tuple(Call(*one) for one in told["calls"]),
    )


def _elf(said: Mapping[str, Any]) -> Elf:
    wants = {library: tuple(versions) for library, versions in said["wants"].items()}
    paths = (tuple(said["needed"]), tuple(said["rpath"]), tuple(said["runpath"]))
    return Elf(said["kind"], *paths, said["soname"], said["program"], wants, frozenset(said["gives"]))


def _cache(lines: list[list[str]]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for name, kind, path in lines:
        found.setdefault((name, kind.split(",")[1].strip() if "," in kind else ""), path)
    return found


def _required(texts: list[str]) -> frozenset[str]:
    """Every distribution that is named, whatever its extra: it is only looked at where it is installed."""
    found = set()
    for text in texts:
        try:
            found.add(canonicalize_name(Requirement(text).name))
        except InvalidRequirement:
            continue
    return frozenset(found)


def _bare(package: str) -> str:
    return package.split(":")[0]


def _deb(paragraph: str) -> Deb | None:
    fields = dict(re.findall(r"^([A-Z][\w-]*): (.*)$", paragraph, re.MULTILINE))
    if "installed" not in fields.get("Status", "").split():
        return None
    depends = f"{fields.get('Pre-Depends', '')},{fields.get('Depends', '')}"
    return Deb(
        fields["Package"],
        tuple(tuple(_names(group, "|")) for group in depends.split(",") if group.strip()),
        tuple(_names(fields.get("Provides", ""), ",")),
        fields.get("Essential") == "yes" or fields.get("Priority") == "required",
        int(fields.get("Installed-Size", "0")) * 1024,
    )


def _names(text: str, mark: str) -> list[str]:
    return [re.split(r"[\s(:]", part.strip(), maxsplit=1)[0] for part in text.split(mark) if part.strip()]
