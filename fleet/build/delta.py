"""delta.py PARENT LOCK WHEELS: print the requirements of a hash-locked LOCK that neither PARENT nor WHEELS has.

PARENT is a file system, WHEELS a folder that may hold wheels.
A requirement is one logical line (backslashes continue it), `name==version --hash=…`. What the parent has is read
from its dist-info folders. A pin that differs from the parent's is an error: a child never replaces a parent's file.
"""

import re
import sys
from pathlib import Path


def installed(root: Path) -> dict[str, str]:
    """Normalised name -> version of every distribution below a file system's Python folders."""
    folders = root.glob("usr/local/lib/python3*/dist-packages/*.dist-info")
    pairs = (folder.name.removesuffix(".dist-info").rsplit("-", 1) for folder in folders)
    return {normal(name): version for name, version in pairs}


def compiled(folder: Path) -> dict[str, str]:
    """Normalised name -> version of every wheel in a folder."""
    return {normal(name): version for name, version, *_ in (path.name.split("-") for path in folder.glob("*.whl"))}


def normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main(parent: Path, lock: Path, wheels: Path) -> int:
    have = {**compiled(wheels), **installed(parent)}
    text = re.sub(r"\\\n", " ", lock.read_text())
    for line in text.splitlines():
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", line)
        if not match:
            continue
        version = have.get(normal(match[1]))
        if version is None:
            print(line)
        elif version != match[2]:
            print(f"{match[1]}: {version} is there already, the lock wants {match[2]}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])))
