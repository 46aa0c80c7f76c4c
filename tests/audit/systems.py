"""File systems for tests, as `inside.look` tells of them."""

from __future__ import annotations

from typing import Any

from dockwright.audit import system
from dockwright.audit.system import System

KIND = "EM_X86_64 64"


def elf(*needed: str, **more: Any) -> dict[str, Any]:
    """What `elf.read` says of a file that needs some libraries."""
    said: dict[str, Any] = {"kind": KIND, "needed": list(needed), "rpath": [], "runpath": [], "soname": ""}
    return {**said, "program": False, "wants": {}, "gives": [], **more}


def made(files: dict[str, dict[str, Any]], **more: Any) -> System:
    """A file system with these ELF files."""
    told: dict[str, Any] = {
        "elf": files,
        "broken": {},
        "links": {},
        "scripts": {},
        "releases": {},
        "calls": [],
        "cache": [],
    }
    return system.read({**told, "library_path": [], "status": "", "lists": {}, **more})


def package(*names: str, **fields: str) -> str:
    """Paragraphs of dpkg's status; `fields` (with _ for -) are those of each one."""
    said = "".join(f"{key.replace('_', '-')}: {value}\n" for key, value in fields.items())
    return "\n".join(f"Package: {name}\nStatus: install ok installed\n{said}" for name in names) + "\n"
