"""What may be registered, case by case and by property."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from service_registry import checks, models

GOOD = (
    "http://alpha:7000",
    "http://dockwright-service-registry:7200/",
    "https://alpha.example:443/api/v1",
    "http://10.0.0.7:1",
    "http://127.0.0.1:65535",
    "http://[fd00::7]:7000",
    "https://alpha",
    "http://under_score.example.:80",
)
BAD = (
    "",
    "alpha:7000",
    "//alpha:7000",
    "ftp://alpha:7000",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "http://",
    "http:///path",
    "http://:7000",
    "http://alpha:0",
    "http://alpha:65536",
    "http://alpha:-1",
    "http://alpha:",
    "http://alpha:7a",
    "http://alpha:1:2",
    "http://al pha:7000",
    "http://alpha:7000/\n",
    "http://alpha:7000\r\nX: y",
    "http://al\x00pha:7000",
    "http://älpha:7000",
    "http://alpha:7000/ü",
    "http://user@alpha:7000",
    "http://user:word@alpha:7000",
    "http://alpha\\@beta:7000",
    "http://alpha:7000/\\beta",
    "http://alpha:7000/?q=1",
    "http://alpha:7000/#f",
    "http://0.0.0.0:7000",
    "http://[::]:7000",
    "http://224.0.0.1:7000",
    "http://[fd00::7:7000",
    "http://[alpha]:7000",
    "http://[v1.alpha]:7000",
    "http://1.2.3:7000",
    "http://256.1.1.1:7000",
    "http://-alpha:7000",
    "http://alpha..beta:7000",
    "http://" + "a" * 64 + ":7000",
    "http://" + "a." * 140 + ":7000",
)


@pytest.mark.parametrize("value", GOOD)
def test_url_is_taken_as_it_is(value: str) -> None:
    assert checks.url(value) == value


@pytest.mark.parametrize("value", BAD)
def test_url_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        checks.url(value)


@given(st.text() | st.text().map("http://{}:7000".format) | st.text().map("http://alpha{}".format))
def test_no_url_can_carry_more_than_visible_ascii(value: str) -> None:
    try:
        checks.url(value)
    except ValueError:
        return
    assert all("!" <= one <= "~" for one in value)
    assert not set(value) & set("\\@?#")


def nested(levels: int) -> dict[str, Any]:
    return {"a": nested(levels - 1)} if levels > 1 else {"a": 1}


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"model": "small", "slots": 4, "ratio": 0.5, "gpu": None, "warm": True, "tags": ["a", "b"]},
        nested(checks.METADATA_DEPTH),
        {"text": "über 漢字 🙂"},
        {"k" * checks.METADATA_KEY: "x" * 1900},
        {"big": 10**100},
    ],
)
def test_metadata_is_taken(value: dict[str, Any]) -> None:
    assert checks.metadata(value) == value


@pytest.mark.parametrize(
    "value",
    [
        nested(checks.METADATA_DEPTH + 1),
        {"a": [[[[1]]]]},
        {"text": "x" * checks.METADATA_BYTES},
        {"text": "漢" * (checks.METADATA_BYTES // 3 + 1)},
        {"k" * (checks.METADATA_KEY + 1): 1},
        {"": 1},
        {"line\nbreak": 1},
        {"text": "bell\x07"},
        {"list": ["\x1b[31m"]},
        {"half": "\ud800"},
        {"number": float("nan")},
        {"number": float("inf")},
    ],
)
def test_metadata_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        checks.metadata(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON))
def test_what_metadata_is_taken_can_be_shown(value: dict[str, Any]) -> None:
    try:
        checks.metadata(value)
    except ValueError:
        return
    assert json.loads(json.dumps(value, allow_nan=False).encode()) == value


ASKED = {
    "service": "Alpha",
    "machine": "mainpc",
    "url": "http://alpha:7000",
    "health_url": "http://alpha:8000",
    "capabilities": ["CPU"],
    "lease_seconds": 15,
    "metadata": {},
}


def test_newer_fields_do_not_hinder() -> None:
    assert models.Wish.model_validate(ASKED | {"zone": "attic"}).service == "Alpha"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("service", "alpha"),
        ("service", "A"),
        ("service", "A" * 61),
        ("service", "Alpha\n"),
        ("service", None),
        ("machine", ""),
        ("machine", "../x"),
        ("machine", "a" * 101),
        ("url", "http://" + "a/" * 200),
        ("url", 7),
        ("health_url", "alpha"),
        ("capabilities", ["C"] * 33),
        ("capabilities", ["with space"]),
        ("capabilities", [""]),
        ("capabilities", ["x" * 65]),
        ("capabilities", "CPU"),
        ("lease_seconds", 0),
        ("lease_seconds", -1),
        ("lease_seconds", 3601),
        ("lease_seconds", 1e308),
        ("lease_seconds", "soon"),
        ("metadata", []),
        ("metadata", {"a": "\n"}),
    ],
)
def test_wish_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        models.Wish.model_validate(ASKED | {field: value})
    assert refused.value.errors()[0]["loc"][0] == field


@pytest.mark.parametrize("field", ["service", "machine", "url", "health_url"])
def test_wish_needs(field: str) -> None:
    with pytest.raises(ValidationError):
        models.Wish.model_validate({name: value for name, value in ASKED.items() if name != field})
