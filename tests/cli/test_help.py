"""What `--help` says fits the terminal, whole, with examples that look alike from verb to verb."""

from __future__ import annotations

import importlib
import re

import pytest

from dockwright.cli import EPILOG, VERBS, main
from dockwright.cli.help import WIDEST, fitted

Out = pytest.CaptureFixture[str]
PAGES = [(), *((name,) for name in VERBS)]
EXAMPLE = "  dockwright go --far   what it means is told here"


def told(words: tuple[str, ...], columns: int, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> str:
    """The help of a verb, or of the tool, on a terminal of this width."""
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit) as caught:
        main([*words, "--help"])
    assert caught.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("columns", [60, 80, 100, 300])
@pytest.mark.parametrize("page", PAGES, ids=" ".join)
def test_no_line_is_wider_than_the_terminal(
    page: tuple[str, ...], columns: int, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = told(page, columns, capsys, monkeypatch).splitlines()
    assert [line for line in lines if len(line) > columns] == []
    prose = lines[: lines.index("options:")] if columns > WIDEST else []
    assert [line for line in prose if len(line) > WIDEST and not line.startswith("usage: ")] == []


@pytest.mark.parametrize("name", VERBS)
def test_nothing_of_what_a_verb_says_is_lost(name: str, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    page = told((name,), 80, capsys, monkeypatch)
    written = str(importlib.import_module(f"dockwright.cli.verbs.{name}").__doc__)
    assert " ".join(written.split()) in " ".join(page.split())


def test_nor_of_what_the_tool_says(capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    assert " ".join(EPILOG.split()) in " ".join(told((), 80, capsys, monkeypatch).split())


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_examples_all_indented_alike(name: str, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    page = told((name,), 80, capsys, monkeypatch).replace("usage: ", "")
    assert re.search(rf"^  dockwright {name}\b", page, re.MULTILINE)
    assert not re.search(rf"^( |   +)dockwright {name}\b|\n\ndockwright {name}\b", page, re.MULTILINE)


def test_prose_is_filled_and_paragraphs_stay_apart() -> None:
    assert fitted("one two three\nfour five\n\nsix\n", 11) == "one two\nthree four\nfive\n\nsix"


def test_an_examples_meaning_goes_on_below_itself() -> None:
    found = fitted(f"{EXAMPLE}\n  dockwright go         plain\n", 44)
    assert found.splitlines() == [
        "  dockwright go --far   what it means is",
        "                        told here",
        "  dockwright go         plain",
    ]


def test_a_meaning_without_room_begins_on_a_line_of_its_own() -> None:
    assert fitted(EXAMPLE, 40).splitlines() == ["  dockwright go --far", "        what it means is told here"]


def test_what_is_indented_further_belongs_to_the_line_above() -> None:
    text = "exit codes: 0 done,\n            1 findings\n\n  dockwright x   one\n                 two"
    assert fitted(text, 80) == "exit codes: 0 done, 1 findings\n\n  dockwright x   one two"
    assert fitted(text, 20).splitlines()[:2] == ["exit codes: 0 done,", "            1"]


def test_a_word_that_is_too_long_stays_whole() -> None:
    assert (
        fitted("a https://host.test/path/that/is/long b", 10).splitlines()[1] == "https://host.test/path/that/is/long"
    )


def test_options_stay_whole() -> None:
    assert fitted("see --upgrade-all there", 14).splitlines() == ["see", "--upgrade-all", "there"]
