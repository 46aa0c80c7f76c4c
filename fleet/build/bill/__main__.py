"""python3 -m bill: write the CycloneDX 1.6 bill of materials of an image.

What is installed is read off the image's file system: dpkg's status and copyright files, and the dist-info folders of
Python packages. What its parent has as well was brought by the parent, or, as the parent's own bill says, by who is
below it; everything else was brought by the image. Equal file systems and locks give equal bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bill import debian, document, python
from bill.document import FAMILY, HASH_OF, Origin
from bill.package import Package, text_of

PATH = "etc/dockwright/sbom.json"


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bill")
    parser.add_argument("--image", type=Path, required=True, help="the finished file system")
    parser.add_argument("--parent", type=Path, required=True, help="the file system that it stands on")
    parser.add_argument("--name", required=True, help="the image: a family or a service")
    parser.add_argument("--below", required=True, help="what it stands on: a family or a root")
    parser.add_argument("--known", type=Path, required=True, help="JSON: the files that the image's locks name")
    parser.add_argument("--target", type=Path, required=True, help="the folder to write /etc/dockwright/sbom.json in")
    return parser.parse_args(argv)


def installed(root: Path) -> list[Package]:
    """Everything below a root. Raises ValueError where something is there twice: nobody could say which one runs."""
    found = [*debian.packages(root), *python.packages(root)]
    twice = [reference for reference, count in Counter(one.reference for one in found).items() if count > 1]
    if twice:
        raise ValueError(f"installed twice: {', '.join(twice)}")
    return found


def origins(
    packages: list[Package], parent: Path, name: str, below: str, known: Mapping[str, Any]
) -> dict[str, Origin]:
    """Purl -> who brought the package, and the hash of its file, from the locks or from the parent's bill."""
    above = dict(_told(parent)) or {one.purl: Origin(below) for one in installed(parent)}
    found = {}
    for package in packages:
        told = above.get(package.purl, Origin(name))
        found[package.purl] = Origin(told.family, *_hash(package, told, known))
    return found


def _hash(package: Package, told: Origin, known: Mapping[str, Any]) -> tuple[str, str]:
    """A sha256 and what it is of: as a lock of the image says for this version, or the parent's bill, or RECORD."""
    locked = known.get(package.reference, {})
    if locked.get("version") == package.version:
        return locked["sha256"], locked["of"]
    return (told.sha256, told.hash_of) if told.sha256 else (package.record, "RECORD")


def _told(parent: Path) -> Iterator[tuple[str, Origin]]:
    """What the parent's own bill says of its packages; nothing for a root, which has none."""
    text = text_of(parent, parent / PATH)
    for component in json.loads(text)["components"] if text else ():
        said = {one["name"]: one["value"] for one in component.get("properties", ())}
        hashes = [one["content"] for one in component.get("hashes", ())]
        if FAMILY in said:
            yield component["purl"], Origin(said[FAMILY], (hashes or [""])[0], said.get(HASH_OF, ""))


def main(argv: list[str]) -> None:
    given = arguments(argv)
    packages = installed(given.image)
    found = origins(packages, given.parent, given.name, given.below, json.loads(given.known.read_text()))
    text = document.render(given.name, debian.distribution(given.image), packages, found)
    target = given.target / PATH
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
