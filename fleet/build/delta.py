"""delta.py PARENT LOCK WHEELS: print the requirements of a hash-locked LOCK that neither PARENT nor WHEELS has.

PARENT is a file system, WHEELS a folder that may hold wheels.
A pin is one logical line (backslashes continue it), `name==version --hash=…`; a comment below it names the file that
images take. Only that file's hash is printed, so that no other file can be installed than the one that the bill of
materials speaks of. What the parent has is read from its dist-info folders. A pin that differs from the parent's is an
error: a child never replaces a parent's file.
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


def pins(text: str) -> list[tuple[str, str, str, str]]:
    """Each pin without its hashes, its name, its version, and the hash of the file that images take."""
    lines = re.sub(r"\\\n", " ", text)
    return re.findall(
        r"^(([\w.-]+)(?:\[[^\]\n]*\])?==([^\s;]+))[^\n]*\n\s+# file: \S+ \d+ (sha256:\S+)$", lines, re.MULTILINE
    )


def main(parent: Path, lock: Path, wheels: Path) -> int:
    have = {**compiled(wheels), **installed(parent)}
    for pin, name, wanted, sha256 in pins(lock.read_text()):
        version = have.get(normal(name))
        if version is None:
            print(f"{pin} --hash={sha256}")
        elif version != wanted:
            print(f"{name}: {version} is there already, the lock wants {wanted}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])))
