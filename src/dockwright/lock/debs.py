"""apt.lock and the locks of roots: Debian packages with exact versions and sha256, one a line.

    curl=7.88.1-10+deb12u14 amd64 sha256:… 315632 # via apt.in

The first word is what apt-get takes, so that a build step can read the file with `cut`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dockwright.errors import UnreadableInput
from dockwright.lock.pins import digest, split

ARCH = "amd64"
LINE = re.compile(
    r"^(?P<name>[a-z0-9][a-z0-9.+-]+)=(?P<version>[0-9A-Za-z.+~:-]+) (?P<arch>[a-z0-9-]+)"
    r" (?P<sha256>sha256:[0-9a-f]{64}) (?P<size>\d+)( # via (?P<via>.+))?$"
)
HEAD = re.compile(r"^# (?P<key>for|inputs|parent|archive|digest|maker|content): (?P<value>.+)$")
MADE = "# Made by ./dockwright lock: change apt.in or fleet.toml and run it again. --check finds edits by hand."


@dataclass(frozen=True)
class Deb:
    """One package of an archive. `via` names who depends on it: packages, or the file that asks for it."""

    name: str
    version: str
    arch: str
    sha256: str
    size: int
    via: tuple[str, ...] = ()
    line: int = 0


@dataclass(frozen=True)
class DebLock:
    """A lock of Debian packages: what its head says, its packages, and the digest of what stands below the head."""

    head: Mapping[str, str]
    debs: Mapping[str, Deb]
    digest: str = ""


def render(head: Mapping[str, str], debs: Iterable[Deb]) -> str:
    """The text of a lock. `head`: for, inputs, parent, archive and, of a root that was made, digest and maker."""
    body = "".join(f"{_line(deb)}\n" for deb in sorted(debs, key=lambda deb: deb.name))
    said = {**head, "content": digest(body)}
    return "\n".join([MADE, *(f"# {key}: {value}" for key, value in said.items() if value), body])


def identity(debs: Iterable[Deb]) -> str:
    """sha256 over which files a set of packages is: neither who asks for them nor when they were locked counts."""
    said = "".join(f"{deb.name}={deb.version} {deb.arch} {deb.sha256}\n" for deb in sorted(debs, key=lambda d: d.name))
    return digest(said)


def _line(deb: Deb) -> str:
    via = f" # via {', '.join(deb.via)}" if deb.via else ""
    return f"{deb.name}={deb.version} {deb.arch} {deb.sha256} {deb.size}{via}"


def read(path: Path, shown: str) -> DebLock:
    """A lock of Debian packages. Raises UnreadableInput with the line that is wrong."""
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise UnreadableInput(f"{shown}: there is no such lock", "run ./dockwright lock") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableInput(f"{shown}: cannot be read: {error}", "run ./dockwright lock") from None
    return parse(text, shown)


def parse(text: str, shown: str) -> DebLock:
    """The same of a lock's text."""
    head: dict[str, str] = {}
    debs: dict[str, Deb] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#") or not line.strip():
            if match := HEAD.match(line):
                head.setdefault(match["key"], match["value"])
            continue
        match = LINE.match(line)
        if not match or match["name"] in debs:
            says = f"{match['name']} stands here twice" if match else "expected name=version arch sha256:… size"
            raise UnreadableInput(f"{shown}:{number}: {says}", "run ./dockwright lock")
        via = tuple(match["via"].split(", ")) if match["via"] else ()
        name, size = match["name"], int(match["size"])
        debs[name] = Deb(name, match["version"], match["arch"], match["sha256"], size, via, number)
    return DebLock(head, debs, digest(split(text)[1]))
