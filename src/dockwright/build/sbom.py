"""Reads bills of materials: CycloneDX documents in JSON, ours and other tools'. Pure.

Ours lie in every image at /etc/dockwright/sbom.json (fleet/build/bill writes them) and say of each component which
root, family or service brought it. Documents may come from a registry, so nothing in them is taken for granted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dockwright.errors import UnreadableInput

PATH = "/etc/dockwright/sbom.json"
BROUGHT_BY = "dockwright:family"
HASH_OF = "dockwright:hash-of"
SYSTEM = "operating-system"
# Far more than any image here needs; a registry may hand out anything.
MOST_BYTES = 32 * 2**20


@dataclass(frozen=True, order=True)
class Component:
    """One package. `licences` are SPDX identifiers or expressions where its metadata says such, else its own words.

    `family` is the root, family or service whose layer brought it; empty in documents of other tools. `within` is the
    purl of the package that it is a part of, as a crate is of a wheel.
    """

    name: str
    version: str
    purl: str
    licences: tuple[str, ...] = ()
    family: str = ""
    sha256: str = ""
    hash_of: str = ""  # what `sha256` is of: deb, wheel, sdist, or RECORD, a wheel's own list of its files
    within: str = ""

    @property
    def kind(self) -> str:
        """The package's type as its purl names it: `deb`, `pypi`; empty without a purl."""
        return self.purl.removeprefix("pkg:").partition("/")[0] if self.purl.startswith("pkg:") else ""

    @property
    def licence(self) -> str:
        return ", ".join(self.licences)


@dataclass(frozen=True)
class Sbom:
    """A document: the image that it is of, its own digest, the distribution, and its components by name."""

    name: str
    digest: str
    serial: str
    distribution: str  # `debian 12`; empty where the document does not say
    components: tuple[Component, ...]


def read(data: bytes, shown: str) -> Sbom:
    """The document that some bytes are; `shown` names them in errors. Raises UnreadableInput."""
    if len(data) > MOST_BYTES:
        raise UnreadableInput(f"{shown}: larger than {MOST_BYTES >> 20} MiB, which no bill of materials here is")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableInput(f"{shown}: not JSON: {error}") from None
    if not isinstance(found, dict) or found.get("bomFormat") != "CycloneDX":
        raise UnreadableInput(f"{shown}: not a CycloneDX document")
    name = _dict(_dict(found, "metadata"), "component").get("name", "")
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    systems = [each for each in _dicts(found, "components") if each.get("type") == SYSTEM]
    distribution = " ".join(str(each.get(key, "")) for each in systems[:1] for key in ("name", "version"))
    components = sorted(_components(found, shown, Component("", "", "")))
    return Sbom(str(name), digest, str(found.get("serialNumber", "")), distribution, tuple(components))


def _components(entry: dict[str, Any], at: str, outer: Component) -> Iterator[Component]:
    """The components of a document or of one of its components, and what they hold themselves."""
    for number, inner in enumerate(_list(entry, "components")):
        here = f"{at}: components[{number}]"
        if not isinstance(inner, dict):
            raise UnreadableInput(f"{here}: expected an object")
        if inner.get("type") != SYSTEM:
            component = _component(inner, here, outer)
            yield component
            yield from _components(inner, here, component)


def _component(entry: dict[str, Any], at: str, outer: Component) -> Component:
    name, version, purl = (entry.get(key, "") for key in ("name", "version", "purl"))
    if not name or not all(isinstance(text, str) for text in (name, version, purl)):
        raise UnreadableInput(f"{at}: expected an object with name, version and purl as text")
    said = {str(one.get("name")): str(one.get("value", "")) for one in _dicts(entry, "properties")}
    hashes = {str(one.get("alg")): str(one.get("content", "")) for one in _dicts(entry, "hashes")}
    licences = tuple(filter(None, map(_licence, _dicts(entry, "licenses"))))
    family = said.get(BROUGHT_BY, outer.family)
    return Component(
        name, version, purl, licences, family, hashes.get("SHA-256", ""), said.get(HASH_OF, ""), outer.purl
    )


def _licence(entry: dict[str, Any]) -> str:
    licence = _dict(entry, "license")
    return str(entry.get("expression") or licence.get("id") or licence.get("name") or "")


def _dict(value: dict[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _list(value: dict[str, Any], key: str) -> list[Any]:
    found = value.get(key)
    return found if isinstance(found, list) else []


def _dicts(value: dict[str, Any], key: str) -> Iterator[dict[str, Any]]:
    return (each for each in _list(value, key) if isinstance(each, dict))
