"""What an ELF file asks of the loader, read by pyelftools. Runs on the host and in images (Python 3.10 and newer)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection
from elftools.elf.segments import InterpSegment

MAGIC = b"\x7fELF"
WEAK = 2  # VER_FLG_WEAK: the object works with a library that lacks this version


def read(path: Path) -> dict[str, Any] | None:
    """`kind`, `needed`, `rpath`, `runpath`, `soname`, `program`, the versions it `wants` and `gives`.

    None for what is no ELF file, or is one that neither loads libraries nor is loaded. Raises Broken.
    """
    with path.open("rb") as file:
        if file.read(4) != MAGIC:
            return None
        file.seek(0)
        try:
            return _dynamic(ELFFile(file))
        except Exception as error:  # what a broken file leads pyelftools to is anything
            raise Broken(f"{type(error).__name__}: {error}") from error


class Broken(Exception):
    """A file that begins like ELF and goes on otherwise."""


def _dynamic(elf: ELFFile) -> dict[str, Any] | None:
    found: dict[str, Any] = {
        "kind": f"{elf['e_machine']} {elf.elfclass}",
        "needed": [],
        "rpath": [],
        "runpath": [],
        "soname": "",
        "program": elf["e_type"] == "ET_EXEC",  # without an interpreter: linked statically
        "wants": {},
        "gives": [],
    }
    dynamic = False
    for segment in elf.iter_segments():
        if isinstance(segment, InterpSegment):
            found["program"] = True
        elif isinstance(segment, DynamicSegment):
            dynamic = True
            for tag in segment.iter_tags():
                _take(found, tag)
    if not dynamic and not found["program"]:
        return None
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for library, versions in section.iter_versions():
                hard = [version.name for version in versions if not version["vna_flags"] & WEAK]
                found["wants"].setdefault(library.name, []).extend(hard)
        elif isinstance(section, GNUVerDefSection):
            found["gives"] += [next(names).name for _, names in section.iter_versions()]
    return found


def _take(found: dict[str, Any], tag: Any) -> None:
    kind = tag.entry.d_tag
    if kind == "DT_NEEDED":
        found["needed"].append(tag.needed)
    elif kind == "DT_SONAME":
        found["soname"] = tag.soname
    elif kind in ("DT_RPATH", "DT_RUNPATH"):
        value = tag.rpath if kind == "DT_RPATH" else tag.runpath
        found[kind[3:].lower()] = [part for part in value.split(":") if part]
