"""sbom.py IMAGE PARENT SERVICE FAMILY TARGET: write the CycloneDX 1.6 bill of materials of a file system.

What is installed is read off the file system itself: dpkg's status, and the dist-info folders of Python packages. A
component that PARENT's file system has as well was brought by FAMILY, any other one by the service. Equal file
systems give equal bytes: the serial number follows from the components, the time is SOURCE_DATE_EPOCH.
"""

import email.parser
import os
import sys
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

NAMESPACE = uuid.UUID("5b1d3c56-5a3e-4a7c-9d0e-0d2f4b6a8c10")


def debian(root: Path) -> Iterator[Component]:
    """The packages that dpkg counts as installed."""
    status = root / "var/lib/dpkg/status"
    release = _release(root)
    for paragraph in status.read_text(encoding="utf-8").split("\n\n") if status.is_file() else ():
        fields = email.parser.HeaderParser().parsestr(paragraph)
        if "installed" not in fields.get("Status", "").split():
            continue
        qualifiers = {"arch": fields["Architecture"], "distro": release}
        purl = PackageURL("deb", release.split("-")[0], fields["Package"], fields["Version"], qualifiers)
        yield _component(fields["Package"], fields["Version"], purl)


def python(root: Path) -> Iterator[Component]:
    """The distributions in the interpreter's folders, with the licence that each one names for itself."""
    for folder in sorted(root.glob("usr/local/lib/python3*/dist-packages/*.dist-info")):
        fields = email.parser.HeaderParser().parsestr((folder / "METADATA").read_text(encoding="utf-8"))
        name, version = fields["Name"], fields["Version"]
        purl = PackageURL("pypi", None, name.lower().replace("_", "-"), version)
        licence = fields.get("License-Expression") or fields.get("License") or ""
        yield _component(name, version, purl, licence.splitlines()[0].strip()[:100] if licence.strip() else "")


def _component(name: str, version: str, purl: PackageURL, licence: str = "") -> Component:
    licences = [DisjunctiveLicense(name=licence)] if licence else []
    kind = ComponentType.LIBRARY
    return Component(type=kind, name=name, version=version, purl=purl, bom_ref=purl.to_string(), licenses=licences)


def _release(root: Path) -> str:
    lines = (root / "etc/os-release").read_text().splitlines()
    fields = {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}
    return f"{fields.get('ID', 'linux')}-{fields.get('VERSION_ID', '0')}"


def bill(image: Path, parent: Path, service: str, family: str) -> Bom:
    """Every component of `image`, each with who brought it."""
    above = {str(component.purl) for component in (*debian(parent), *python(parent))}
    bom = Bom()
    for component in (*debian(image), *python(image)):
        origin = family if str(component.purl) in above else service
        component.properties.add(Property(name="dockwright:brought-by", value=origin))
        bom.components.add(component)
    listed = "\n".join(sorted(str(component.purl) for component in bom.components))
    bom.serial_number = uuid.uuid5(NAMESPACE, f"{service}\n{family}\n{listed}")
    bom.metadata.component = Component(type=ComponentType.APPLICATION, name=service, bom_ref=service)
    bom.metadata.timestamp = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)  # noqa: UP017 - also runs on Python 3.10
    bom.register_dependency(bom.metadata.component, bom.components)
    return bom


def main(image: Path, parent: Path, service: str, family: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(JsonV1Dot6(bill(image, parent, service, family)).output_as_string(indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4], Path(sys.argv[5]))
