"""What varies in a message does not tell errors apart; what does not vary does."""

from __future__ import annotations

import time

import pytest
from central_error_bus.core.pattern import LENGTH, LOOKED_AT, pattern
from hypothesis import given
from hypothesis import strategies as st

UUID = "550e8400-e29b-41d4-a716-446655440000"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("", ""),
        ("connection refused", "connection refused"),
        ("  two\n lines\tand  blanks ", "two lines and blanks"),
        ("Timed out after 3.5s (attempt 3/5)", "Timed out after <num>s (attempt <num>/<num>)"),
        ("[Errno 111] Connect call failed", "[Errno <num>] Connect call failed"),
        ("value -5 is not within 1e-3 and 10,000.5", "value <num> is not within <num> and <num>"),
        ("worker3 on gpu:0, node-12", "worker<num> on gpu:<num>, node-<num>"),
        ("10.0.0.7:5432 refused", "<num>:<num> refused"),
        (f"no session {UUID}", "no session <uuid>"),
        (f"no session {UUID.upper()}.", "no session <uuid>."),
        ("<Task object at 0x7f3a2b1c>", "<Task object at <hex>>"),
        ("commit deadbeef12 and sha256:" + "0a" * 32, "commit <hex> and sha<num>:<hex>"),
        ("a facade of decades", "a facade of decades"),  # letters a to f alone make no id
        ("at 2026-11-24T18:00:00.123456+00:00 it broke", "at <time> it broke"),
        ("at 2026-11-24 18:00:00,123 it broke", "at <time> it broke"),
        ("since 2026-11-24", "since <time>"),
        ("24/Nov/2026:18:00:00 +0000 GET", "<time> GET"),
        ("Tue, Nov 24 18:00:00 2026 late", "<time> late"),
        ("18:00:00 late", "<time> late"),
        ("No module named 'foo.bar'", "No module named <text>"),
        ('cannot parse "a \\"b\\" c" here', "cannot parse <text> here"),
        ("'it\\'s' b'raw' `code` “so”", "<text> <text> <text> <text>"),
        ("can't open the user's file", "can't open the user's file"),  # apostrophes quote nothing
        ("can't open 'a b' for the user's job", "can't open <text> for the user's job"),
        ("[Errno 2] No such file: /data/models/x-7b.gguf", "[Errno <num>] No such file: <path>"),
        ("~/.cache/x and ../y/z, ./w", "<path> and <path>, <path>"),
        ("C:\\Users\\me\\x.txt is missing", "<path> is missing"),
        ("models/llama.gguf is missing", "<path> is missing"),
        ("read/write and/or 1/2", "read/write and/or <num>/<num>"),
        ("GET http://10.0.0.1:8000/x?y=1 failed", "GET <url> failed"),
        ("größe 5 überschritten", "größe <num> überschritten"),
    ],
)
def test_patterns(message: str, expected: str) -> None:
    assert pattern(message) == expected


WORDS = st.lists(st.sampled_from(["timeout", "reading", "peer", "of", "queue,", "(failed)", "can't"]), min_size=1)
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
VARIABLE = st.one_of(
    st.integers(0, 10**12).map(str),
    st.floats(0, 1e6, allow_nan=False).map(lambda value: f"{value:.3f}"),
).map(lambda text: ("<num>", text)) | st.one_of(
    st.uuids().map(lambda value: ("<uuid>", str(value))),
    st.binary(min_size=8, max_size=20).map(lambda raw: ("<hex>", "0x" + raw.hex())),
    st.datetimes().map(lambda value: ("<time>", value.replace(year=2026).isoformat() + "Z")),
    st.text(UPPER + " .:/0123456789", max_size=30).map(lambda text: ("<text>", repr(text))),
    st.lists(st.text(UPPER + "-_", min_size=1, max_size=8), min_size=1, max_size=5).map(
        lambda parts: ("<path>", "/" + "/".join(parts))
    ),
)


@given(st.lists(st.tuples(WORDS, VARIABLE), min_size=1, max_size=8))
def test_whatever_the_variable_parts_are_the_pattern_is_the_same(
    parts: list[tuple[list[str], tuple[str, str]]],
) -> None:
    message = " ".join(f"{' '.join(words)} {text}" for words, (_, text) in parts)
    expected = " ".join(f"{' '.join(words)} {placeholder}" for words, (placeholder, _) in parts)
    if len(message) <= LOOKED_AT:
        assert pattern(message) == expected[:LENGTH]


@given(st.text(max_size=3000))
def test_any_text_has_a_pattern_without_digits(message: str) -> None:
    found = pattern(message)
    assert len(found) <= LENGTH
    assert not any(one in "0123456789" for one in found)


def test_a_quoted_text_that_is_cut_does_not_tell_errors_apart() -> None:
    first, second = (f"cannot parse '{letter * 5000}' as JSON" for letter in "xy")
    assert pattern(first) == pattern(second) == "cannot parse <text>"


@pytest.mark.parametrize(
    "unit",
    ["'", "\"'", "a/", "/", "1", "a1", " '", "~/", "://", "a.b-", "\\'", "'\\", "f", "1-", "/a.", "/a=.-", "“", "0x"],
)
def test_no_text_makes_it_slow(unit: str) -> None:
    began = time.process_time()
    pattern(unit * 5000)
    assert time.process_time() - began < 1.0  # 12 ms at most when it was measured
