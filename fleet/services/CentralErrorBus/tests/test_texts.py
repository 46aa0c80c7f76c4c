"""Whatever comes in can be stored, shown and searched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bus_errors import told
from central_error_bus import models, views
from central_error_bus.core import texts
from central_error_bus.core.words import TERMS, folded, parse
from hypothesis import given
from hypothesis import strategies as st

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=30,
)


def error_of(**more: Any) -> Any:
    return views.incoming(models.ErrorIn.model_validate(told(**more)))


@given(st.dictionaries(ANY_TEXT, JSON, max_size=5))
def test_any_context_becomes_json_that_every_reader_takes(context: dict[str, Any]) -> None:
    kept, _ = texts.context(context)
    kept.encode()
    assert len(kept) <= texts.CONTEXT + 2

    def refuse(text: str) -> None:
        raise AssertionError(f"no JSON: {text}")

    assert isinstance(json.loads(kept, parse_constant=refuse), dict)


@pytest.mark.parametrize(
    ("context", "kept", "cut"),
    [
        ({}, {}, False),
        ({"a": [1, 2.5, None, True, {"b": "c"}]}, {"a": [1, 2.5, None, True, {"b": "c"}]}, False),
        ({"a": float("nan"), "b": float("-inf")}, {"a": "nan", "b": "-inf"}, True),
        ({"a": 2**70}, {"a": str(2**70)}, True),
        ({"a": 10**4000}, {"a": "a very large number"}, True),
        ({"big": "x" * 5000}, {"big": "x" * 4096 + "… (904 characters left out)"}, True),
        ({"a": ["x" * 4000] * 9, "b": 1}, {"b": 1}, True),  # what does not fit goes, the rest stays
        ({"a": [[[[[[["deep"]]]]]]]}, {"a": [[[[["…"]]]]]}, True),
        ({"a": "nul \0 and \x1b[31m"}, {"a": "nul \ufffd and \ufffd[31m"}, True),
    ],
)
def test_contexts(context: dict[str, Any], kept: dict[str, Any], cut: bool) -> None:
    found, left_out = texts.context(context)
    assert json.loads(found) == kept
    assert left_out is cut


def test_long_texts_are_cut_and_named() -> None:
    found = error_of(
        kind="K" * 300, message="m" * 9000, trace="begin" + "t" * 40_000 + "end", context={"a": "x" * 5000}
    )
    assert found.cut == "kind message trace context"
    assert found.kind == "K" * models.KIND
    assert found.message.endswith("m… (808 characters left out)")
    assert found.trace.startswith("begin")
    assert found.trace.endswith("end")
    assert len(found.trace) < texts.TRACE + 50
    assert error_of().cut == ""


@pytest.mark.parametrize(
    ("given", "kept"),
    [("ERROR", "error"), ("Warn", "warning"), ("FATAL", "critical"), ("critical", "critical"), ("debug", "debug")],
)
def test_levels(given: str, kept: str) -> None:
    assert error_of(level=given).level == kept


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1970-01-01T00:00:00Z", "2026-11-24T12:00:00Z"]
)
def test_any_moment_can_be_shown(at: str) -> None:
    moment = error_of(at=at).at
    assert models.utc(moment).isoformat().endswith("+00:00")
    assert 0 <= moment < 2**62


@pytest.mark.parametrize(
    "wrong",
    [
        {"at": "2026-11-24T12:00:00"},
        {"at": 1795521600},
        {"at": "yesterday"},
        {"at": "0.5"},
        {"level": "dreadful"},
        {"service": ""},
        {"service": "../x"},
        {"machine": "a b"},
        {"kind": ""},
        {"message": None},
        {"context": []},
        {"id": ""},
        {"id": "two words"},
        {"id": "x" * 101},
    ],
)
def test_what_is_no_error_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        error_of(**wrong)


@pytest.mark.parametrize(
    ("question", "expression"),
    [
        ("timed out", '"timed" AND "out"'),
        ('"Timed  OUT" peer', '"timed out" AND "peer"'),
        ("Conn* model_name", '"conn"* AND "model name"'),
        ('open "quote', '"open" AND "quote"'),
        ("a AND b OR NOT c", '"a" AND "and" AND "b" AND "or" AND "not" AND "c"'),
        ("kind:x (y) ^z -w a+b", '"kind x" AND "y" AND "z" AND "w" AND "a b"'),
        ("Größe café", '"große" AND "cafe"'),
        ("x x x", '"x"'),
    ],
)
def test_questions(question: str, expression: str) -> None:
    found = parse(question)
    assert found is not None
    assert found.fts() == expression.replace("große", folded("Größe"))


def test_questions_without_words_and_with_too_many() -> None:
    assert parse('!? "" * _') is None
    many = parse(" ".join(f"w{number}" for number in range(100)))
    assert many is not None
    assert len(many.terms) == TERMS


@pytest.mark.parametrize(
    ("question", "text", "fits"),
    [
        ("time", "timed out", False),
        ("time*", "timed out", True),
        ("TIMED", "it timed out", True),
        ('"timed out"', "timed... out", True),
        ('"timed out"', "timed it out", False),
        ("out timed", "timed it out", True),
        ("cafe", "no café", True),
        ("name", "model_name=3", True),
        ("5s", "3.5s", True),
    ],
)
def test_words_in_what_passes_by(question: str, text: str, fits: bool) -> None:
    found = parse(question)
    assert found is not None
    assert found.found_in("", text) is fits
