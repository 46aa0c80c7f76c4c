"""The packages that dpkg counts as installed."""

from __future__ import annotations

import email.message
import email.parser
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from packageurl import PackageURL

from bill import licences
from bill.package import Package, text_of

Fields = email.message.Message
NAME = re.compile(r"\s*([a-z0-9][a-z0-9+.-]*)")
SOURCE = re.compile(r"(?P<name>\S+)(?: \((?P<version>\S+)\))?")


def packages(root: Path) -> list[Package]:
    """Every installed package below a file system's root, by name."""
    release = distribution(root)
    found = sorted(_installed(root), key=lambda fields: fields["Package"])
    providers = dict(_provided(found))
    return [_package(root, fields, release, providers) for fields in found]


def distribution(root: Path) -> tuple[str, str]:
    """Name and version of the distribution: `debian`, `12`."""
    lines = text_of(root, root / "etc/os-release").splitlines()
    fields = {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}
    return fields.get("ID", "linux"), fields.get("VERSION_ID", "0")


def _installed(root: Path) -> Iterator[Fields]:
    for paragraph in text_of(root, root / "var/lib/dpkg/status").split("\n\n"):
        fields = email.parser.HeaderParser().parsestr(paragraph)
        if "installed" in fields.get("Status", "").split():
            yield fields


def _package(root: Path, fields: Fields, release: tuple[str, str], providers: dict[str, str]) -> Package:
    name, version = fields["Package"], fields["Version"]
    qualifiers = {"arch": fields["Architecture"], "distro": "-".join(release), **_upstream(fields)}
    purl = PackageURL("deb", release[0], name, version, qualifiers).to_string()
    return Package("deb", name, version, purl, licences.debian(_copyright(root, name)), _needs(fields, providers))


def _upstream(fields: Fields) -> dict[str, str]:
    """The source package, which advisories speak of, where it is called otherwise than its binary."""
    match = SOURCE.fullmatch(fields.get("Source", ""))
    if not match:
        return {}
    return {"upstream": f"{match['name']}@{match['version']}" if match["version"] else match["name"]}


def _copyright(root: Path, name: str) -> str:
    """A package's copyright file; where its folder is a link, that of the package which it leads to."""
    folder = root / "usr/share/doc" / name
    if folder.is_symlink():
        folder = folder.with_name(folder.readlink().name)
    return text_of(root, folder / "copyright")


def _needs(fields: Fields, providers: dict[str, str]) -> tuple[str, ...]:
    """The first installed one of each alternative that it depends on."""
    found = set()
    for field in ("Pre-Depends", "Depends"):
        for group in filter(None, fields.get(field, "").split(",")):
            found |= set([providers[name] for name in _names(group.split("|")) if name in providers][:1])
    return tuple(sorted(f"deb/{name}" for name in found - {fields["Package"]}))


def _provided(packages: list[Fields]) -> Iterator[tuple[str, str]]:
    """Name -> package, for virtual packages first, so that a real one of the same name wins."""
    for fields in packages:
        yield from ((name, fields["Package"]) for name in _names(fields.get("Provides", "").split(",")))
    yield from ((fields["Package"], fields["Package"]) for fields in packages)


def _names(words: Iterable[str]) -> Iterator[str]:
    return (match[1] for match in map(NAME.match, words) if match)
