"""fleet/build/sbom.py as a build runs it: on small made file systems, held against CycloneDX's own schema."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

SCRIPT = Path(__file__).parents[2] / "fleet" / "build" / "sbom.py"
RELEASE = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n'
PACKAGES = "usr/local/lib/python3.11/dist-packages"
TINI = {"Package": "tini", "Status": "install ok installed", "Version": "0.19.0-1", "Architecture": "amd64"}
LIBC = {"Package": "libc6", "Status": "install ok installed", "Version": "2.36-9+deb12u10", "Architecture": "amd64"}
GONE = {"Package": "gone", "Status": "deinstall ok config-files", "Version": "1", "Architecture": "amd64"}
HALF = {"Package": "half", "Status": "install ok half-installed", "Version": "1", "Architecture": "amd64"}
FASTAPI = {"Metadata-Version": "2.4", "Name": "fastapi", "Version": "0.115.0", "License-Expression": "MIT"}
ENGINE = {"Metadata-Version": "2.1", "Name": "Fast_Engine", "Version": "3.1", "License": "BSD\n and three pages of it"}
BARE = {"Metadata-Version": "2.1", "Name": "bare", "Version": "1.0"}


def paragraph(fields: dict[str, str]) -> str:
    return "".join(f"{key}: {value}\n" for key, value in fields.items())


def made(folder: Path, debian: list[dict[str, str]], python: list[dict[str, str]]) -> Path:
    """A file system with these packages, written in the order in which they are given."""
    texts = {"etc/os-release": RELEASE, "var/lib/dpkg/status": "\n".join(map(paragraph, debian))}
    for fields in python:
        texts[f"{PACKAGES}/{fields['Name']}-{fields['Version']}.dist-info/METADATA"] = (
            paragraph(fields) + "\nIts words\n"
        )
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def bill(
    image: Path, parent: Path, service: str = "Alpha", family: str = "family-web", epoch: str = "1700000000"
) -> str:
    """What the script writes, in a process of its own as in the Dockerfile."""
    target = image.parent / "tree" / "etc" / "dockwright" / "sbom.json"
    words = [sys.executable, str(SCRIPT), str(image), str(parent), service, family, str(target)]
    subprocess.run(words, check=True, env={**os.environ, "SOURCE_DATE_EPOCH": epoch}, timeout=60)
    return target.read_text()


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A service that adds two Python packages and one of Debian's to its family."""
    folder = tmp_path_factory.mktemp("sbom")
    parent = made(folder / "parent", [TINI, GONE], [FASTAPI])
    return bill(made(folder / "image", [TINI, GONE, HALF, LIBC], [FASTAPI, ENGINE, BARE]), parent)


@pytest.fixture(scope="module")
def components(text: str) -> dict[str, dict[str, Any]]:
    return {component["name"]: component for component in json.loads(text)["components"]}


def test_it_is_cyclonedx_1_6(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert (json.loads(text)["bomFormat"], json.loads(text)["specVersion"]) == ("CycloneDX", "1.6")
    broken = text.replace('"library"', '"livrary"')
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(broken) is not None, "the validator sees"


def test_everything_that_is_installed_is_named_and_nothing_else(components: dict[str, dict[str, Any]]) -> None:
    assert {name: component["purl"] for name, component in components.items()} == {
        "tini": "pkg:deb/debian/tini@0.19.0-1?arch=amd64&distro=debian-12",
        "libc6": "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12",
        "fastapi": "pkg:pypi/fastapi@0.115.0",
        "Fast_Engine": "pkg:pypi/fast-engine@3.1",
        "bare": "pkg:pypi/bare@1.0",
    }
    assert components["libc6"]["version"] == "2.36-9+deb12u10"


def test_who_brought_it(components: dict[str, dict[str, Any]]) -> None:
    brought = {name: component["properties"] for name, component in components.items()}
    by_family = [{"name": "dockwright:brought-by", "value": "family-web"}]
    by_service = [{"name": "dockwright:brought-by", "value": "Alpha"}]
    assert brought == {
        "tini": by_family,
        "fastapi": by_family,
        "libc6": by_service,
        "Fast_Engine": by_service,
        "bare": by_service,
    }


def test_licences_are_what_each_package_says_in_one_line(components: dict[str, dict[str, Any]]) -> None:
    licences = {name: component.get("licenses") for name, component in components.items()}
    assert licences["fastapi"] == [{"license": {"name": "MIT"}}]
    assert licences["Fast_Engine"] == [{"license": {"name": "BSD"}}]
    assert licences["bare"] is None


def test_the_service_depends_on_all_of_it(text: str, components: dict[str, dict[str, Any]]) -> None:
    content = json.loads(text)
    assert content["metadata"]["component"]["name"] == "Alpha"
    depends = {entry["ref"]: entry.get("dependsOn", []) for entry in content["dependencies"]}
    assert set(depends["Alpha"]) == {component["bom-ref"] for component in components.values()}


def test_the_time_is_the_builds_and_the_text_ends_in_a_newline(text: str) -> None:
    assert json.loads(text)["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    assert text.endswith("}\n")


def test_equal_file_systems_give_equal_bytes(text: str, tmp_path: Path) -> None:
    """Whatever the order in which files were written, whatever their times, whatever the seed of hashes."""
    parent = made(tmp_path / "parent", [GONE, TINI], [FASTAPI])
    image = made(tmp_path / "image", [LIBC, HALF, TINI, GONE], [BARE, ENGINE, FASTAPI])
    os.utime(image / "var/lib/dpkg/status", (1, 1))
    assert bill(image, parent) == text


def test_another_content_has_another_serial_number(text: str, tmp_path: Path) -> None:
    parent = made(tmp_path / "parent", [TINI], [FASTAPI])
    image = made(tmp_path / "image", [TINI, LIBC], [FASTAPI, {**ENGINE, "Version": "3.2"}, BARE])
    serial = json.loads(bill(image, parent))["serialNumber"]
    assert serial.startswith("urn:uuid:") and serial != json.loads(text)["serialNumber"]


def test_a_newer_version_than_the_familys_was_brought_by_the_service(tmp_path: Path) -> None:
    parent = made(tmp_path / "parent", [TINI], [FASTAPI])
    image = made(tmp_path / "image", [TINI], [{**FASTAPI, "Version": "0.116.0"}])
    brought = {
        component["purl"]: component["properties"][0]["value"]
        for component in json.loads(bill(image, parent))["components"]
    }
    assert brought["pkg:pypi/fastapi@0.116.0"] == "Alpha"


def test_a_file_system_without_packages_has_an_empty_bill(tmp_path: Path) -> None:
    empty = made(tmp_path / "image", [], [])
    (empty / "var/lib/dpkg/status").unlink()
    text = bill(empty, empty)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert json.loads(text).get("components", []) == []
