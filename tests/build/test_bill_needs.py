"""Bills of materials say who asks for whom, and what packages hold inside of themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from build.file_systems import bill, components, deb, dist_info, made, wheel
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

TINI = deb("tini", "1", Depends="libc6 (>= 2.34)")
CURL = deb("curl", "8", Pre_Depends="libc6", Depends="libcurl4 (= 8), absent | gone-too, mta:any | tini")
LIBCURL = deb("libcurl4", "8", Depends="libc6, libgcc-s1")
LIBC = deb("libc6", "2.36", Depends="libgcc-s1")
GCC = deb("libgcc-s1", "12", Depends="libc6, gcc-12-base")
EXIM = deb("exim4", "4", Provides="mail-transport-agent, mta (= 4)")
PARTS = {"asyncio": "asyncio", "extra": 'websockets>=10; extra == "standard"'}


def depends(text: str) -> dict[str, list[str]]:
    return {entry["ref"]: entry.get("dependsOn", []) for entry in json.loads(text)["dependencies"]}


def test_debian_packages_need_the_first_alternative_that_is_there(tmp_path: Path) -> None:
    image = made(tmp_path / "image", [TINI, CURL, LIBCURL, LIBC, GCC, EXIM], [])
    found = depends(bill(image, tmp_path, "base"))
    assert found["deb/curl"] == ["deb/exim4", "deb/libc6", "deb/libcurl4"]
    assert found["deb/libcurl4"] == ["deb/libc6", "deb/libgcc-s1"]
    assert found["deb/libgcc-s1"] == ["deb/libc6"]


def test_a_real_package_comes_before_one_that_stands_for_it(tmp_path: Path) -> None:
    image = made(tmp_path / "image", [deb("a", "1", Depends="b"), deb("b", "1"), deb("c", "1", Provides="b")], [])
    assert depends(bill(image, tmp_path))["deb/a"] == ["deb/b"]


def test_the_image_needs_what_nothing_else_needs_and_one_of_each_circle(tmp_path: Path) -> None:
    circle = [deb("x", "1", Depends="y"), deb("y", "1", Depends="x")]
    image = made(tmp_path / "image", [TINI, LIBC, GCC, *circle], [])
    assert depends(bill(image, tmp_path, "base"))["base"] == ["deb/tini", "deb/x", "os"]


def test_python_packages_need_what_their_image_has_of_their_requirements(tmp_path: Path) -> None:
    """Markers are about the image's Python, and an extra counts where somebody asks for it."""
    python = [
        wheel("app", "1", Requires_Dist=["Server.Kit[standard]>=1", "absent", 'old; python_version < "3.11"']),
        wheel("server-kit", "1", Requires_Dist=['sockets; extra == "standard"', 'tracer; extra == "all"', "not one"]),
        *(wheel(name, "1") for name in ("sockets", "tracer", "old")),
    ]
    found = depends(bill(made(tmp_path / "image", [], python), tmp_path))
    assert found["pypi/app"] == ["pypi/server-kit"]
    assert found["pypi/server-kit"] == ["pypi/sockets"]
    assert {"pypi/tracer", "pypi/old"} <= set(found["Alpha"])


def test_the_legacy_familys_python_has_its_own_requirements(tmp_path: Path) -> None:
    folder = "usr/local/lib/python3.10/dist-packages"
    texts = {
        f"{folder}/app-1.dist-info/METADATA": 'Name: app\nVersion: 1\nRequires-Dist: old; python_version < "3.11"\n',
        f"{folder}/old-1.dist-info/METADATA": "Name: old\nVersion: 1\n",
    }
    image = made(tmp_path / "image", [], [], texts)
    assert depends(bill(image, tmp_path))["pypi/app"] == ["pypi/old"]


def held(tmp_path: Path, *documents: Any) -> list[dict[str, Any]]:
    """What the bill says that a wheel holds, which brought these documents of its own (PEP 770)."""
    core = wheel("core", "2")
    texts = {
        f"{dist_info(core)}/sboms/{number}.json": one if isinstance(one, str) else json.dumps(one)
        for number, one in enumerate(documents)
    }
    text = bill(made(tmp_path / "image", [], [core], texts), tmp_path)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found: list[dict[str, Any]] = components(text)["core"].get("components", [])
    return [{key: value for key, value in one.items() if key not in ("bom-ref", "type")} for one in found]


REGEX: dict[str, Any] = {
    "type": "library",
    "name": "regex",
    "version": "1.11",
    "purl": "pkg:cargo/regex@1.11",
    "description": "Much text",
    "licenses": [{"expression": "MIT OR Apache-2.0"}],
}
ZLIB = {"name": "zlib", "version": "1.3", "purl": "pkg:generic/zlib@1.3", "licenses": [{"license": {"id": "Zlib"}}]}


def test_what_a_wheel_says_that_it_holds_stands_within_it(tmp_path: Path) -> None:
    itself = {"name": "core", "version": "2", "purl": "pkg:pypi/core@2#module"}
    tool = {**REGEX, "name": "cc", "purl": "pkg:cargo/cc@1", "scope": "excluded"}
    assert held(tmp_path, {"components": [ZLIB, itself, tool]}, {"components": [REGEX, ZLIB]}) == [
        {key: value for key, value in REGEX.items() if key not in ("type", "description")},
        ZLIB,
    ]


def test_a_wheels_own_document_may_be_anything(tmp_path: Path) -> None:
    nonsense = [{"name": 1}, "text", None, {**ZLIB, "purl": "zlib"}, {**ZLIB, "licenses": [None, {}, {"license": {}}]}]
    found = held(tmp_path, "not JSON", [], {"components": nonsense}, {"components": None}, "[" * 100_000)
    assert found == [{key: value for key, value in ZLIB.items() if key != "licenses"}]
