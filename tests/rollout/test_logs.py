"""What containers wrote, in the order of time, and never able to move the cursor of who reads it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollout.engine import Recorded

from dockwright.errors import CommandFailed
from dockwright.rollout.logs import DIM, PLAIN, RED, YELLOW, Entry, brief, entry, follow, last, shown

AT = "2026-11-24T11:00:0{}.000000000Z "
LINE = {"time": "2026-11-24T11:00:00.123456+00:00", "level": "INFO", "logger": "registry", "message": "it is up"}


def json_line(**more: object) -> str:
    return json.dumps({**LINE, "service": "Alpha", "machine": "mainpc", **more})


@pytest.fixture
def engine(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


def test_lines_of_all_containers_are_in_the_order_of_time(engine: Recorded) -> None:
    engine.wrote("dockwright-alpha", AT.format(1) + "one\n" + AT.format(3) + "three\n")
    engine.wrote("dockwright-beta", AT.format(4) + "four\n", AT.format(2) + "two, on the other stream\n")
    chosen = {"Alpha": "dockwright-alpha", "Beta": "dockwright-beta"}
    found = list(last(engine.docker, chosen, 20, None))
    assert [(line.service, line.text) for line in found] == [
        ("Alpha", "one"), ("Beta", "two, on the other stream"), ("Alpha", "three"), ("Beta", "four"),
    ]  # fmt: skip
    assert found[0].at == "2026-11-24T11:00:01.000000000Z"


def test_the_engine_is_asked_for_no_more_than_is_wanted(engine: Recorded) -> None:
    engine.wrote("dockwright-alpha", "")
    assert list(last(engine.docker, {"Alpha": "dockwright-alpha"}, 7, "10m")) == []
    assert list(last(engine.docker, {"Alpha": "dockwright-alpha"}, 20, None)) == []
    assert engine.words == [
        "logs --timestamps --tail 7 --since 10m dockwright-alpha",
        "logs --timestamps --tail 20 dockwright-alpha",
    ]


def test_a_container_that_is_gone_is_left_out(engine: Recorded) -> None:
    engine.wrote("dockwright-alpha", AT.format(1) + "one\n")
    found = list(last(engine.docker, {"Gone": "dockwright-gone", "Alpha": "dockwright-alpha"}, 20, None))
    assert [line.text for line in found] == ["one"]


def test_any_other_refusal_of_the_engine_is_said(engine: Recorded) -> None:
    engine.docker.program.write_text(
        "#!/bin/sh\necho 'configured logging driver does not support reading' >&2\nexit 1\n"
    )
    with pytest.raises(CommandFailed) as raised:
        list(last(engine.docker, {"Alpha": "dockwright-alpha"}, 20, None))
    assert "does not support reading" in raised.value.output


def test_an_unfinished_line_does_not_swallow_the_other_stream(engine: Recorded) -> None:
    engine.wrote("dockwright-alpha", AT.format(1) + "no newline", AT.format(2) + "an error\n")
    found = list(last(engine.docker, {"Alpha": "dockwright-alpha"}, 20, None))
    assert [line.text for line in found] == ["no newline", "an error"]


@pytest.mark.parametrize("separator", ["\r", "\r\n", "\n"])
def test_what_goes_on_without_a_stamp_keeps_its_place(engine: Recorded, separator: str) -> None:
    """A carriage return within a line: its second half comes without a stamp, and is no time of its own."""
    engine.wrote("dockwright-alpha", f"{AT.format(1)}10 %{separator}20 % of it\n{AT.format(3)}done\n")
    engine.wrote("dockwright-beta", AT.format(2) + "meanwhile\n")
    found = list(last(engine.docker, {"Alpha": "dockwright-alpha", "Beta": "dockwright-beta"}, 20, None))
    assert [line.text for line in found] == ["10 %", "20 % of it", "meanwhile", "done"]
    assert found[1].at == found[0].at


@pytest.mark.parametrize("separator", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_only_a_newline_ends_a_line(engine: Recorded, separator: str) -> None:
    engine.wrote("dockwright-alpha", f"{AT.format(1)}one{separator}still one\n")
    (line,) = last(engine.docker, {"Alpha": "dockwright-alpha"}, 20, None)
    assert line.text == f"one{separator}still one"
    assert shown(line, colour=False).isprintable()


def test_following_goes_on_until_every_container_has_ended(engine: Recorded) -> None:
    engine.wrote("dockwright-alpha", AT.format(1) + "one\n" + AT.format(2) + "two\n", ended=True)
    engine.wrote("dockwright-beta", AT.format(1) + "three\n", ended=True)
    found = list(follow(engine.docker, {"Alpha": "dockwright-alpha", "Beta": "dockwright-beta"}, 20, None))
    assert sorted(line.text for line in found) == ["one", "three", "two"]
    assert [line.text for line in found if line.service == "Alpha"] == ["one", "two"]
    assert all("--follow" in words for words in engine.words)


def test_who_stops_following_leaves_no_program_behind(engine: Recorded) -> None:
    engine.wrote("dockwright-alpha", AT.format(1) + "one\n")
    lines = follow(engine.docker, {"Alpha": "dockwright-alpha"}, 20, None)
    assert next(lines).text == "one"
    path = engine.folder / "dockwright-alpha.pid"
    until(lambda: path.is_file() and path.read_text().endswith("\n"))
    pid = int(path.read_text())
    os.kill(pid, 0)  # It runs.
    lines.close()  # type: ignore[attr-defined]
    until(lambda: not runs(pid))


def until(true: object) -> None:
    assert callable(true)
    ends_at = time.monotonic() + 20
    while not true():
        assert time.monotonic() < ends_at, "it did not come to pass"
        time.sleep(0.02)


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_json_line_is_shown_as_time_level_message_and_what_else_it_says() -> None:
    line = entry("Alpha", json_line(attempt=3, peer="Beta"), "2026-11-24T11:00:05.987654321Z")
    assert (line.level, line.at) == ("info", "2026-11-24T11:00:05.987654321Z")
    assert shown(line, colour=False) == f"11:00:05.987 {'Alpha':<26} info    it is up  attempt=3 peer=Beta"


def test_without_an_engine_the_lines_own_time_is_shown() -> None:
    assert shown(entry("Alpha", json_line()), colour=False) == f"11:00:00.123 {'Alpha':<26} info    it is up"


@pytest.mark.parametrize(
    "text",
    [
        "Traceback (most recent call last):",
        "",
        "[1, 2]",
        '"level"',
        "12",
        "null",
        "{",
        '{"message": "no level"}',
        "[" * 30_000,
    ],
    ids=lambda text: text[:20],
)
def test_any_other_line_is_shown_as_it_is(text: str) -> None:
    line = entry("Alpha", text, "2026-11-24T11:00:05.987654321Z")
    assert line.level == ""
    assert shown(line, colour=False) == f"11:00:05.987 {'Alpha':<26} {text}"


@pytest.mark.parametrize(
    ("level", "tint"),
    [("DEBUG", DIM), ("INFO", ""), ("WARNING", YELLOW), ("ERROR", RED), ("CRITICAL", RED), ("\x1b[31mHA", "")],
)
def test_colours_tell_the_level(level: str, tint: str) -> None:
    line = entry("Alpha", json_line(level=level))
    plain, coloured = shown(line, colour=False), shown(line, colour=True)
    assert coloured == (f"{tint}{plain}{PLAIN}" if tint else plain)


anything = st.text(st.characters(codec="utf-8"))
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | anything, lambda inner: st.lists(inner, max_size=2)
)
keys = st.sampled_from(["time", "level", "message", "service", "extra", "trace"]) | anything


def lines_of(told: str) -> list[str]:
    """What is shown, line by line; only a trace has more than one."""
    return told.split("\n")


@given(anything, anything)
def test_no_line_moves_the_cursor(text: str, at: str) -> None:
    assert shown(Entry(at, "Alpha", "", text), colour=False).isprintable()


@given(st.dictionaries(keys, json_values), st.booleans())
def test_no_json_line_moves_the_cursor(content: dict[str, object], ascii_only: bool) -> None:
    text = json.dumps({"level": "info", **content}, ensure_ascii=ascii_only)
    assert all(one.isprintable() for one in lines_of(shown(entry("Alpha", text), colour=False)))
    assert all(one.isprintable() for one in brief([text]))


def test_a_trace_is_shown_below_its_line() -> None:
    line = entry("Alpha", json_line(level="ERROR", message="it fell", trace="Traceback:\n  File x\nKeyError: 'y'\n"))
    first, *rest = lines_of(shown(line, colour=False))
    assert first.endswith("error   it fell")
    assert rest == ["  | Traceback:", "  |   File x", "  | KeyError: 'y'"]


def test_a_failed_start_in_few_words() -> None:
    """Each thing once: what is written again at each try says nothing new."""
    failed = json_line(level="ERROR", message="it fell", trace="Traceback:\n  File x\nKeyError: 'y'\n")
    plain = json_line(message="no trace", trace=None)
    told = brief([failed, "a plain line", failed, plain, "a plain line", "x" * 1000, "\x1b[2J"])
    assert told == ["it fell: KeyError: 'y'", "a plain line", "no trace", "x" * 300, r"\x1b[2J"]
