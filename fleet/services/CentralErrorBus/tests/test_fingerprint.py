"""Errors that repeat each other have one fingerprint."""

from __future__ import annotations

import pytest
from bus_errors import TRACE
from central_error_bus.core.fingerprint import fingerprint
from central_error_bus.core.frames import FRAMES, top_frames
from hypothesis import given
from hypothesis import strategies as st


def trace(*functions: str, path: str = "/app/a.py", shift: int = 0, last: str = "ValueError: x") -> str:
    lines = [f'  File "{path}", line {index + shift}, in {name}\n    do()' for index, name in enumerate(functions)]
    return "\n".join(["Traceback (most recent call last):", *lines, last])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ()),
        (TRACE, ("cache_manager/store.py read", "cache_manager/app.py answer")),
        (trace("a", "b", "c", "d", "e", "f"), tuple(f"app/a.py {name}" for name in "fedc")),
        (trace("start", *["again"] * 900), ("app/a.py again", "app/a.py start")),
        (  # of a chain the last one counts
            trace("cause") + "\n\nDuring handling of the above exception, another occurred:\n\n" + trace("effect"),
            ("app/a.py effect",),
        ),
        (  # as an exception group is printed
            '  + Exception Group Traceback (most recent call last):\n  |   File "/app/a.py", line 3, in run\n',
            ("app/a.py run",),
        ),
        ('  File "<string>", line 1, in <module>', ("<string> <module>",)),
        ('  File "C:\\app\\x\\y.py", line 1, in f', ("x/y.py f",)),
        (
            "Error: no\n    at read (/srv/x.js:10:5)\n    at main (/srv/x.js:99:1)",
            ("Error: no", "at read (<path>:<num>:<num>)", "at main (<path>:<num>:<num>)"),
        ),
    ],
)
def test_frames(given: str, expected: tuple[str, ...]) -> None:
    assert top_frames(given) == expected


def test_what_makes_no_difference() -> None:
    first = fingerprint("A", "ValueError", "no 5 in 'x'", trace("f", "g"))
    for message, where in (
        ("no 77 in 'yy'", trace("f", "g")),
        ("no 5 in 'x'", trace("f", "g", shift=40)),  # a line moved
        ("no 5 in 'x'", trace("f", "g", path="/usr/lib/app/a.py")),
        ("no 5 in 'x'", trace("f", "g", last="ValueError: y")),
    ):
        assert fingerprint("A", "ValueError", message, where) == first
    assert (
        fingerprint("A", "ValueError", "no 5 in 'x'", trace(*"abcd", "f", "g")).id
        == fingerprint("A", "ValueError", "no 5 in 'x'", trace(*"xycd", "f", "g")).id
    )


def test_what_makes_a_difference() -> None:
    kinds = [
        ("A", "ValueError", "no 5 in 'x'", trace("f", "g")),
        ("B", "ValueError", "no 5 in 'x'", trace("f", "g")),
        ("A", "KeyError", "no 5 in 'x'", trace("f", "g")),
        ("A", "ValueError", "not 5 in 'x'", trace("f", "g")),
        ("A", "ValueError", "no 5 in 'x'", trace("f", "h")),
        ("A", "ValueError", "no 5 in 'x'", trace("f", "g", path="/app/b.py")),
        ("A", "ValueError", "no 5 in 'x'", ""),
        ("AV", "alueError", "no 5 in 'x'", trace("f", "g")),
    ]
    assert len({fingerprint(*one).id for one in kinds}) == len(kinds)


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=2000))
def test_any_texts_have_a_fingerprint(kind: str, message: str, trace: str) -> None:
    found = fingerprint("A", kind.replace("\0", ""), message, trace)
    assert len(found.id) == 32
    assert len(found.frames) <= FRAMES
    assert "\n" not in "".join(found.frames)
    assert found == fingerprint("A", kind.replace("\0", ""), message, trace)
