"""The distributions in the interpreter's folders, as their dist-info says."""

from __future__ import annotations

import email.message
import email.parser
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packageurl import PackageURL
from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from bill import licences
from bill.package import Held, Package, text_of

# Where pip and uv install in a Debian or Ubuntu, and where its own packages lie.
FOLDERS = ("usr/local/lib/python3*/dist-packages", "usr/lib/python3/dist-packages")
# What a package's own bill may at most add to this one.
MOST_HELD = 2000


@dataclass(frozen=True)
class _Distribution:
    folder: Path
    fields: email.message.Message
    python: str  # 3.11

    @property
    def name(self) -> str:
        return canonicalize_name(self.fields["Name"])


def packages(root: Path) -> list[Package]:
    """Every installed distribution below a file system's root, by name. Raises ValueError for one without any."""
    found = sorted(_installed(root), key=lambda each: each.name)
    extras = _extras(found)
    return [_package(root, each, {other.name for other in found}, extras) for each in found]


def _installed(root: Path) -> Iterator[_Distribution]:
    for pattern in FOLDERS:
        for metadata in root.glob(f"{pattern}/*.dist-info/METADATA"):
            fields = email.parser.HeaderParser().parsestr(text_of(root, metadata))
            if not fields.get("Name") or not fields.get("Version"):
                raise ValueError(f"/{metadata.relative_to(root)} says no name or no version")
            version = re.search(r"/python(3\.\d+)/", str(metadata))
            yield _Distribution(metadata.parent, fields, version[1] if version else "3")


def _package(root: Path, each: _Distribution, installed: set[str], extras: dict[str, set[str]]) -> Package:
    fields, version = each.fields, each.fields["Version"]
    purl = PackageURL("pypi", None, each.name, version).to_string()
    said = licences.python(
        fields.get("License-Expression", ""), fields.get("License", ""), fields.get_all("Classifier") or []
    )
    wanted = {canonicalize_name(need.name) for need in _needs(each, extras.get(each.name, set()))}
    needs = tuple(sorted(f"pypi/{name}" for name in wanted & installed - {each.name}))
    record = text_of(root, each.folder / "RECORD")
    digest = hashlib.sha256(record.encode()).hexdigest() if record else ""
    return Package("pypi", fields["Name"], version, purl, said, needs, _held(root, each.folder, each.name), digest)


def _extras(found: list[_Distribution]) -> dict[str, set[str]]:
    """Name -> the extras that installed distributions ask for, by way of each other too."""
    extras: dict[str, set[str]] = {each.name: set() for each in found}
    growing = True
    while growing:
        growing = False
        for each in found:
            for need in _needs(each, extras[each.name]):
                asked = extras.get(canonicalize_name(need.name), set(need.extras))
                growing = growing or not need.extras <= asked
                asked |= need.extras
    return extras


def _needs(each: _Distribution, extras: set[str]) -> Iterator[Requirement]:
    """What a distribution asks for, in this image and with these extras."""
    for line in each.fields.get_all("Requires-Dist") or []:
        need = _requirement(line)
        if need and any(_applies(need, _world(each, extra)) for extra in ("", *sorted(extras))):
            yield need


def _requirement(line: str) -> Requirement | None:
    try:
        return Requirement(line)
    except InvalidRequirement:
        return None  # Metadata of long ago; whoever installs it passes over this line too.


def _applies(need: Requirement, world: dict[str, str]) -> bool:
    try:
        return need.marker is None or need.marker.evaluate(world)
    except UndefinedEnvironmentName:
        return False


def _world(each: _Distribution, extra: str) -> dict[str, str]:
    """The image's Python, not that of the step that runs this."""
    return {
        "python_version": each.python,
        "python_full_version": f"{each.python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "extra": extra,
    }


def _held(root: Path, folder: Path, name: str) -> tuple[Held, ...]:
    """What the package's own bills of materials name (PEP 770): crates, C libraries."""
    found: dict[str, Held] = {}
    for path in sorted((folder / "sboms").glob("*.json")):
        for entry in _entries(text_of(root, path)):
            held = _entry(entry)
            # A bill of its own lists the package itself and its modules as well.
            if held and not held.purl.startswith(f"pkg:pypi/{name}@"):
                found[held.purl] = held
    return tuple(sorted(found.values(), key=lambda held: held.purl))


def _entries(text: str) -> list[dict[str, Any]]:
    """The components of a document that may be anything."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return []  # Another format's, or nobody's.
    components = document.get("components") if isinstance(document, dict) else None
    return [each for each in components if isinstance(each, dict)][:MOST_HELD] if isinstance(components, list) else []


def _entry(entry: dict[str, Any]) -> Held | None:
    name, version, purl = (entry.get(key) for key in ("name", "version", "purl"))
    if not (name and isinstance(name, str) and isinstance(version, str) and isinstance(purl, str)):
        return None
    try:
        purl = PackageURL.from_string(purl).to_string()
    except ValueError:
        return None
    # Excluded is what only took part in making it.
    return None if entry.get("scope") == "excluded" else Held(name, version, purl, _said(entry.get("licenses")))


def _said(entries: object) -> tuple[str, ...]:
    said = [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    licences = (each.get("license") for each in said)
    named = [each.get("expression") for each in said]
    named += [each.get("id") for each in licences if isinstance(each, dict)]
    return tuple(sorted({each for each in named if isinstance(each, str) and each}))
