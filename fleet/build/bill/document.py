"""Packages as a CycloneDX 1.6 document: equal packages, equal bytes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, License, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from bill import licences
from bill.package import Held, Package

NAMESPACE = uuid.UUID("5b1d3c56-5a3e-4a7c-9d0e-0d2f4b6a8c10")
FAMILY = "dockwright:family"
HASH_OF = "dockwright:hash-of"


@dataclass(frozen=True)
class Origin:
    """Who brought a package, and a sha256 of it: of the file that it was unpacked from, where that is known."""

    family: str
    sha256: str = ""
    hash_of: str = ""  # deb, wheel, sdist, or RECORD: a wheel's own list of its files and their hashes


def render(name: str, distribution: tuple[str, str], packages: list[Package], origins: Mapping[str, Origin]) -> str:
    """The document of the image `name`. `origins`: purl -> origin, for every package."""
    bom = Bom()
    image = Component(type=ComponentType.CONTAINER, name=name, bom_ref=name)
    bom.metadata.component = image
    system = Component(type=ComponentType.OPERATING_SYSTEM, name=distribution[0], version=distribution[1], bom_ref="os")
    made = {package.reference: _component(package, origins[package.purl]) for package in packages}
    bom.components.update([system, *made.values()])
    for package in packages:
        bom.register_dependency(made[package.reference], [made[need] for need in package.needs])
    bom.register_dependency(image, [system, *(made[name] for name in _tops(packages))])
    return _text(json.loads(JsonV1Dot6(bom).output_as_string()))


def _text(document: dict[str, Any]) -> str:
    """A document on one line, without its time and with a number of its own that follows from the rest."""
    del document["metadata"]["timestamp"], document["serialNumber"]
    rest = json.dumps(document, sort_keys=True, separators=(",", ":"))
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": uuid.uuid5(NAMESPACE, rest).urn}
    return json.dumps({**head, **document}, ensure_ascii=False, separators=(",", ":")) + "\n"


def _component(package: Package, origin: Origin) -> Component:
    properties = [Property(name=FAMILY, value=origin.family)]
    properties += [Property(name=HASH_OF, value=origin.hash_of)] if origin.sha256 else []
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        purl=PackageURL.from_string(package.purl),
        bom_ref=package.reference,
        licenses=_licences(package.licences),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=origin.sha256)] if origin.sha256 else [],
        properties=properties,
        components=[_held(held, package) for held in package.holds],
    )


def _held(held: Held, package: Package) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        name=held.name,
        version=held.version,
        purl=PackageURL.from_string(held.purl),
        bom_ref=f"{package.reference}/{held.purl}",
        licenses=_licences(held.licences),
    )


def _licences(names: tuple[str, ...]) -> list[License]:
    """A document may hold one expression, or any number of identifiers and names."""
    if len(names) == 1 and licences.is_compound(names[0]):
        return [LicenseExpression(names[0])]
    return [DisjunctiveLicense(id=name) if licences.is_id(name) else DisjunctiveLicense(name=name) for name in names]


def _tops(packages: list[Package]) -> list[str]:
    """The packages that no other one asks for, and one of each circle that nothing leads to."""
    needs = {package.reference: package.needs for package in packages}
    asked = {need for each in needs.values() for need in each}
    tops: list[str] = []
    reached: set[str] = set()
    for reference in [*sorted(needs.keys() - asked), *sorted(asked)]:
        if reference not in reached:
            tops.append(reference)
            waiting = [reference]
            while waiting:
                here = waiting.pop()
                waiting += [need for need in needs[here] if need not in reached]
                reached.add(here)
    return tops
