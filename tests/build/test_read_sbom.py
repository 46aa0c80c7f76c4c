"""Bills of materials are read as they are written, those of other tools too, and nonsense is told as such."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockwright.build import sbom
from dockwright.errors import UnreadableInput

CURL: dict[str, Any] = {
    "type": "library",
    "name": "curl",
    "version": "7.88.1-10+deb12u14",
    "purl": "pkg:deb/debian/curl@7.88.1-10%2Bdeb12u14?arch=amd64&distro=debian-12",
    "licenses": [{"license": {"id": "curl"}}, {"license": {"name": "other words"}}],
    "hashes": [{"alg": "SHA-1", "content": "aa"}, {"alg": "SHA-256", "content": "bb"}],
    "properties": [
        {"name": "dockwright:family", "value": "base-utils"},
        {"name": "other", "value": "x"},
        {"name": "dockwright:hash-of", "value": "deb"},
    ],
}
ANYIO: dict[str, Any] = {"name": "anyio", "version": "4.1", "purl": "pkg:pypi/anyio@4.1"}


def document(*components: Any, **more: Any) -> bytes:
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components, **more}).encode()


def test_what_is_read_of_a_document() -> None:
    data = document(
        CURL, ANYIO, serialNumber="urn:uuid:1", metadata={"component": {"type": "container", "name": "base-utils"}}
    )
    found = sbom.read(data, "x.json")
    assert (found.name, found.serial) == ("base-utils", "urn:uuid:1")
    assert found.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
    anyio, curl = found.components
    assert anyio == sbom.Component("anyio", "4.1", "pkg:pypi/anyio@4.1")
    assert (anyio.kind, anyio.licence) == ("pypi", "")
    assert curl.licences == ("curl", "other words")
    assert (curl.kind, curl.licence, curl.family) == ("deb", "curl, other words", "base-utils")
    assert (curl.sha256, curl.hash_of) == ("bb", "deb")


def test_what_a_package_holds_was_brought_by_who_brought_the_package() -> None:
    crate = {"name": "regex", "version": "1.11", "purl": "pkg:cargo/regex@1.11"}
    found = sbom.read(document({**CURL, "components": [{**crate, "components": [ANYIO]}]}), "x")
    within = {one.name: (one.kind, one.within, one.family) for one in found.components}
    assert within == {
        "curl": ("deb", "", "base-utils"),
        "regex": ("cargo", CURL["purl"], "base-utils"),
        "anyio": ("pypi", "pkg:cargo/regex@1.11", "base-utils"),
    }


def test_the_distribution_is_no_package() -> None:
    found = sbom.read(document({"type": "operating-system", "name": "debian", "version": "12"}, ANYIO), "x")
    assert (found.distribution, [one.name for one in found.components]) == ("debian 12", ["anyio"])


def test_an_expression_is_one_licence() -> None:
    (found,) = sbom.read(document({**ANYIO, "licenses": [{"expression": "MIT OR Apache-2.0"}]}), "x").components
    assert found.licences == ("MIT OR Apache-2.0",)


def test_a_document_without_components_has_none() -> None:
    found = sbom.read(b'{"bomFormat": "CycloneDX"}', "x")
    assert (found.name, found.serial, found.distribution, found.components) == ("", "", "", ())


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "x.json: not JSON"),
        (b"\xff", "x.json: not JSON"),
        (b"[" * 100_000, "x.json: not JSON"),
        (b"[]", "x.json: not a CycloneDX document"),
        (b'{"spdxVersion": "SPDX-2.3"}', "x.json: not a CycloneDX document"),
        (document(ANYIO, "anyio"), "x.json: components[1]: expected an object"),
        (document({**ANYIO, "components": [{}]}), "x.json: components[0]: components[0]: expected"),
        (document({"version": "1"}), "x.json: components[0]: expected"),
        (document({**ANYIO, "version": 1}), "x.json: components[0]: expected"),
        (document({**ANYIO, "purl": None}), "x.json: components[0]: expected"),
        (b" " * (sbom.MOST_BYTES + 1), "x.json: larger than 32 MiB"),
    ],
)
def test_what_is_no_bill_of_materials(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableInput) as caught:
        sbom.read(data, "x.json")
    assert str(caught.value).startswith(says)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*CURL, "license", "id"]), inner),
    max_leaves=10,
)


@given(JSON, st.sampled_from([*CURL, "metadata"]))
def test_whatever_stands_where_something_else_belongs(value: Any, key: str) -> None:
    data = document({**CURL, key: value}, metadata=value)
    try:
        found = sbom.read(data, "x")
    except UnreadableInput:
        return
    assert len(found.components) == 1
