"""Lines and syntax errors of TOML texts."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockwright.spec import document, positions
from dockwright.spec.finding import SpecError

TEXT = """\
top = 1

[a.b]
c = { d = 1, "e.f" = [
    1,
    { g = 2 },
] }

[[list]]
name = "one"

[[list]]
name = "two"
[list.below]
x = 1

[a.q]
dotted.key = 3
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 1),
        (("a", "b"), 3),
        (("a", "b", "c", "d"), 4),
        (("a", "b", "c", "e.f", 0), 5),
        (("a", "b", "c", "e.f", 1, "g"), 6),
        (("list", 0, "name"), 10),
        (("list", 1), 12),
        (("list", 1, "name"), 13),
        (("list", 1, "below", "x"), 15),
        (("a", "q", "dotted", "key"), 18),
        (("a", "b", "c", "missing", "deeper"), 4),
        (("nowhere",), 1),
    ],
)
def test_line_of(path: tuple[str | int, ...], line: int) -> None:
    assert document.parse(TEXT, "x.toml").document.line(path) == line


def test_values_are_what_pythons_own_parser_reads() -> None:
    assert document.parse(TEXT, "x.toml")["list"][1] == tomllib.loads(TEXT)["list"][1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = = 1\nb = 2\nc = = 3\n", [(1, "'=' is not TOML here"), (3, "'=' is not TOML here")]),
        ("a = 1\na = 2\n", [(2, "'a' is there twice; the first stands on line 1")]),
        ("[t]\nx = 1\n[t]\n", [(3, "'t' is there twice; the first stands on line 1")]),
        ("x = { a = 1, a = 2 }\n", [(1, "'x.a' is there twice; the first stands on line 1")]),
        ("a = " + "9" * 5000, [(1, "holds a number that is too long to read")]),
        ("a = " + "[" * 5000, [(1, "is nested too deeply")]),
    ],
)
def test_every_problem_is_told_with_its_line(text: str, expected: list[tuple[int, str]]) -> None:
    with pytest.raises(SpecError) as error:
        document.parse(text, "x.toml")
    assert [(finding.line, finding.message) for finding in error.value.findings] == expected


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_findings(text: str) -> None:
    try:
        document.parse(text, "x.toml")
    except SpecError as error:
        assert error.findings
        assert all(1 <= finding.line <= text.count("\n") + 1 for finding in error.findings)


@given(st.lists(st.text("abc.[]={}\"'\n, 1#", max_size=30), max_size=10).map("\n".join))
def test_good_texts_have_no_problems_and_bad_ones_do(text: str) -> None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with pytest.raises(SpecError):
            document.parse(text, "x.toml")
    else:
        assert document.parse(text, "x.toml") == tomllib.loads(text) or "[" in text
        assert positions.lines(text) is not None
