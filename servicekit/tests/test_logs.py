"""Log lines: whatever a logger is given, one line of JSON with our fields in it."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servicekit.logs import BURST, FIELD_CHARS, MESSAGE_CHARS, Lines, Sparing

OURS = {"time", "level", "logger", "message", "service", "machine"}
LINES = Lines("Tried", "mainpc")


def record(message: object, *args: object, extra: dict[str, Any] | None = None) -> logging.LogRecord:
    return logging.Logger("some").makeRecord("some", logging.INFO, "f", 1, message, args, None, extra=extra)


def line(one: logging.LogRecord) -> dict[str, Any]:
    text = LINES.format(one)
    assert "\n" not in text and text.isascii()
    found: dict[str, Any] = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert set(found) >= OURS and found["service"] == "Tried"
    return found


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.builds(object),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=8,
)


@given(st.text(), VALUES)
def test_one_line_whatever_comes(message: str, value: object) -> None:
    found = line(record("%s", message, extra={"value": value}))
    assert found["message"] == message[:MESSAGE_CHARS]


@given(st.sampled_from(sorted(OURS - {"message"})), st.text())
def test_no_field_replaces_ours(key: str, value: str) -> None:
    assert line(record("x", extra={key: value}))[key] == line(record("x"))[key] or key == "time"


def test_arguments_that_do_not_fit_are_no_lost_line() -> None:
    assert line(record("%d of %d", "x"))["message"] == "%d of %d"


def test_what_is_large_is_cut() -> None:
    found = line(record("m" * 100_000, extra={"field": "f" * 100_000}))
    assert len(found["message"]) == MESSAGE_CHARS and len(found["field"]) == FIELD_CHARS


def test_an_exception_is_a_field() -> None:
    try:
        raise ValueError("why\nnot")
    except ValueError as error:
        one = logging.Logger("some").makeRecord("some", 40, "f", 1, "x", (), (ValueError, error, error.__traceback__))
    found = line(one)
    assert found["trace"].startswith("Traceback") and found["trace"].endswith("why\nnot")
    assert found["level"] == "error"


def test_a_flood_is_thinned_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("servicekit.logs.time.monotonic", lambda: now)
    sparing = Sparing()
    passed = [sparing.filter(record("x")) for _ in range(BURST + 500)]
    assert sum(passed) == BURST
    now += 1.0
    first = record("x")
    assert sparing.filter(first)
    assert line(first)["lines_left_out"] == 500
    second = record("x")
    assert sparing.filter(second) and "lines_left_out" not in line(second)
