"""Bills of materials: on small made file systems, held against CycloneDX's own schema."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from build.file_systems import PYTHON, bill, components, deb, dist_info, made, properties, wheel
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from dockwright.build import sbom

SCRIPTS = Path(__file__).parents[2] / "fleet" / "build"
TINI = deb("tini", "0.19.0-1")
LIBC = deb("libc6", "2.36-9+deb12u10", Source="glibc")
EPOCH = deb("login", "1:4.13+dfsg1-1", Source="shadow (4.13+dfsg1-1)")
GONE = deb("gone", "1", "deinstall ok config-files")
HALF = deb("half", "1", "install ok half-installed")
FASTAPI = wheel("fastapi", "0.115.0", License_Expression="MIT")
ENGINE = wheel("Fast_Engine", "3.1", License="BSD")
LOCKED = {
    "deb/libc6": {"version": LIBC["Version"], "sha256": "c" * 64, "of": "deb"},
    "pypi/fast-engine": {"version": "3.1", "sha256": "e" * 64, "of": "wheel"},
    "pypi/fastapi": {"version": "0.116.0", "sha256": "f" * 64, "of": "wheel"},
}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A family that adds a Python package and two of Debian's to its root."""
    folder = tmp_path_factory.mktemp("bill")
    root = made(folder / "parent", [TINI, GONE], [FASTAPI])
    return bill(made(folder / "image", [TINI, GONE, HALF, LIBC, EPOCH], [FASTAPI, ENGINE]), root, known=LOCKED)


@pytest.fixture(scope="module")
def found(text: str) -> dict[str, dict[str, Any]]:
    return components(text)


def problems(text: str) -> object:
    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)


def test_it_is_cyclonedx_1_6(text: str) -> None:
    assert problems(text) is None
    assert text.startswith('{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:')
    assert problems(text.replace('"library"', '"livrary"')) is not None, "the validator sees"


def test_everything_that_is_installed_is_named_and_nothing_else(found: dict[str, dict[str, Any]]) -> None:
    assert {name: component["purl"] for name, component in found.items()} == {
        "tini": "pkg:deb/debian/tini@0.19.0-1?arch=amd64&distro=debian-12",
        "libc6": "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12&upstream=glibc",
        "login": "pkg:deb/debian/login@1:4.13%2Bdfsg1-1?arch=amd64&distro=debian-12&upstream=shadow%404.13%2Bdfsg1-1",
        "fastapi": "pkg:pypi/fastapi@0.115.0",
        "Fast_Engine": "pkg:pypi/fast-engine@3.1",
    }
    assert found["login"]["version"] == "1:4.13+dfsg1-1"


def test_what_the_tool_reads_is_what_was_written(text: str) -> None:
    read = sbom.read(text.encode(), "text")
    assert (read.name, read.distribution) == ("Alpha", "debian 12")
    assert {one.name: (one.kind, one.family, one.hash_of) for one in read.components} == {
        "tini": ("deb", "debian-bookworm", ""),
        "libc6": ("deb", "Alpha", "deb"),
        "login": ("deb", "Alpha", ""),
        "fastapi": ("pypi", "debian-bookworm", "RECORD"),
        "Fast_Engine": ("pypi", "Alpha", "wheel"),
    }


def test_a_hash_is_that_of_the_locked_file_where_the_lock_has_this_version(found: dict[str, dict[str, Any]]) -> None:
    hashes = {name: [one["content"] for one in component.get("hashes", [])] for name, component in found.items()}
    assert hashes["libc6"] == ["c" * 64]
    assert hashes["Fast_Engine"] == ["e" * 64]
    assert hashes["fastapi"] not in ([], ["f" * 64]), "the lock speaks of another version"
    assert hashes["tini"] == []


def test_what_a_childs_parent_said_of_its_packages_stays_true(text: str, tmp_path: Path) -> None:
    """Over two generations: who brought a package, and the hash that its lock had."""
    packages: tuple[list[dict[str, str]], Any] = ([TINI, LIBC, EPOCH], [FASTAPI, ENGINE])
    parent = made(tmp_path / "parent", *packages, {sbom.PATH.strip("/"): text})
    image = made(tmp_path / "image", packages[0], [wheel("fastapi", "0.116.0"), ENGINE])
    child = components(bill(image, parent, "Beta", "Alpha", {"pypi/fastapi": LOCKED["pypi/fastapi"]}))
    assert {name: properties(component)["family"] for name, component in child.items()} == {
        "tini": "debian-bookworm",
        "libc6": "Alpha",
        "login": "Alpha",
        "Fast_Engine": "Alpha",
        "fastapi": "Beta",
    }
    before = components(text)
    assert {name: child[name].get("hashes") for name in ("tini", "libc6", "Fast_Engine")} == {
        name: before[name].get("hashes") for name in ("tini", "libc6", "Fast_Engine")
    }
    assert child["fastapi"]["hashes"][0]["content"] == "f" * 64


def test_it_is_one_short_line_without_a_time(text: str) -> None:
    assert text.endswith("}\n") and text.count("\n") == 1
    assert '": ' not in text and '", "' not in text
    assert list(json.loads(text)["metadata"]) == ["component"]


def test_equal_file_systems_give_equal_bytes(text: str, tmp_path: Path) -> None:
    """Whatever the order in which files were written, whatever their times, whatever the seed of hashes."""
    parent = made(tmp_path / "parent", [GONE, TINI], [FASTAPI])
    image = made(tmp_path / "image", [EPOCH, LIBC, HALF, TINI, GONE], [ENGINE, FASTAPI])
    os.utime(image / "var/lib/dpkg/status", (1, 1))
    assert bill(image, parent, known=LOCKED) == text


def test_the_step_of_a_build_writes_the_same_in_a_process_of_its_own(text: str, tmp_path: Path) -> None:
    """As the script runs it, but for where things lie; the seed of hashes is another one each time."""
    image = made(tmp_path / "image", [TINI, GONE, HALF, LIBC, EPOCH], [FASTAPI, ENGINE])
    parent = made(tmp_path / "parent", [TINI, GONE], [FASTAPI])
    (tmp_path / "known.json").write_text(json.dumps(LOCKED))
    words = ["--image", image, "--parent", parent, "--known", tmp_path / "known.json", "--target", tmp_path / "tree"]
    command = [sys.executable, "-m", "bill", *map(str, words), "--name", "Alpha", "--below", "debian-bookworm"]
    subprocess.run(command, check=True, env={"PYTHONPATH": str(SCRIPTS)}, cwd=tmp_path, timeout=60)
    assert (tmp_path / "tree/etc/dockwright/sbom.json").read_text() == text


def test_another_content_has_another_serial_number(text: str, tmp_path: Path) -> None:
    parent = made(tmp_path / "parent", [TINI], [FASTAPI])
    image = made(tmp_path / "image", [TINI, LIBC, EPOCH], [FASTAPI, {**ENGINE, "License": "MIT"}])
    serial = json.loads(bill(image, parent, known=LOCKED))["serialNumber"]
    assert serial.startswith("urn:uuid:") and serial != json.loads(text)["serialNumber"]


def test_a_package_that_is_there_twice_stops_the_build(tmp_path: Path) -> None:
    other = {
        f"usr/lib/python3/dist-packages/fastapi-0.1.dist-info/{name}": "Name: FastAPI\nVersion: 0.1\n"
        for name in ("METADATA", "RECORD")
    }
    image = made(tmp_path / "image", [TINI], [FASTAPI], other)
    with pytest.raises(ValueError, match="installed twice: pypi/fastapi"):
        bill(image, tmp_path)


def test_a_package_without_a_name_stops_the_build(tmp_path: Path) -> None:
    image = made(tmp_path / "image", [TINI], [], {f"{PYTHON}/x-1.dist-info/METADATA": "Version: 1\n"})
    with pytest.raises(ValueError, match=r"^/usr/local/.*/x-1.dist-info/METADATA says no name or no version$"):
        bill(image, tmp_path)


def test_a_file_system_without_packages_has_an_empty_bill(tmp_path: Path) -> None:
    empty = made(tmp_path / "image", [], [])
    shutil.rmtree(empty / "var")
    text = bill(empty, empty)
    assert problems(text) is None
    assert components(text) == {}


def test_a_link_out_of_the_image_leads_nowhere(tmp_path: Path) -> None:
    """An image's file system is data: what it links to on the machine that builds is not read."""
    (tmp_path / "outside").write_text("License: it is read\n")
    image = made(tmp_path / "image", [TINI], [FASTAPI])
    (image / "usr/share/doc/tini").mkdir(parents=True)
    (image / "usr/share/doc/tini/copyright").symlink_to(tmp_path / "outside")
    (image / dist_info(FASTAPI) / "RECORD").unlink()
    (image / dist_info(FASTAPI) / "RECORD").symlink_to("/etc/passwd")
    found = components(bill(image, tmp_path / "none"))
    assert "licenses" not in found["tini"]
    assert "hashes" not in found["fastapi"]


def test_packages_of_the_distributions_own_python_count_too(tmp_path: Path) -> None:
    info = "usr/lib/python3/dist-packages/six-1.16.0.dist-info/METADATA"
    image = made(tmp_path / "image", [], [], {info: "Name: six\nVersion: 1.16.0\n"})
    assert components(bill(image, tmp_path))["six"]["purl"] == "pkg:pypi/six@1.16.0"
    assert PYTHON not in info
