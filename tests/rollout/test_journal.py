"""The journal: written before the work, read again after a crash, and it knows which deploy was cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockwright.rollout.journal import ENDS, Journal, Last


@pytest.fixture
def book(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "rollout" / "journal.jsonl")


def test_nothing_was_cut_off_where_nothing_was_begun(book: Journal) -> None:
    assert book.entries() == []
    assert book.unfinished() is None


@pytest.mark.parametrize("end", [end for end in ENDS if end != "stopped"])
def test_a_deploy_with_an_end_is_not_unfinished(book: Journal, end: str) -> None:
    number = book.begin("deploy", "20261124-0a1b2c3d4e5f", "a new voice", {"machines": ["mainpc"]})
    assert (book.unfinished() or {})["release"] == "20261124-0a1b2c3d4e5f"
    book.note(number, "touch", instances=["mainpc/Ear"])
    assert book.unfinished() is not None
    book.note(number, end)
    assert book.unfinished() is None


def test_one_that_stopped_where_taking_back_failed_can_be_gone_on_with(book: Journal) -> None:
    number = book.begin("deploy", "20261124-0a1b2c3d4e5f", "", {})
    book.note(number, "stopped", left={"pc2/Ear": "pc2 does not answer"})
    assert (book.unfinished() or {})["deploy"] == number


def test_only_the_last_deploy_counts(book: Journal) -> None:
    book.begin("deploy", "20261123-0a1b2c3d4e5f", "", {})
    second = book.begin("rollback", "20261122-0a1b2c3d4e5f", "", {})
    assert second == "2"
    book.note(second, "done")
    assert book.unfinished() is None


def test_a_line_that_a_crash_cut_off_is_left_out(book: Journal) -> None:
    number = book.begin("deploy", "20261124-0a1b2c3d4e5f", "", {})
    with book.path.open("a") as file:
        file.write('{"at": "2026-11-24T21:00:00+00:00", "depl')
    assert [entry["event"] for entry in book.entries()] == ["begin"]
    assert (book.unfinished() or {})["deploy"] == number


def test_it_is_written_who_began_and_why(book: Journal) -> None:
    book.begin("deploy", "20261124-0a1b2c3d4e5f", "a new voice", {})
    (entry,) = book.entries()
    assert "@" in entry["who"]
    assert entry["why"] == "a new voice"


def test_the_last_deploy_to_a_machine_is_known_with_its_way_back_and_its_end(book: Journal) -> None:
    assert book.last("pc2") is None
    back = {"mainpc": "20261121-0a1b2c3d4e5f", "pc2": "up"}
    both = book.begin("deploy", "20261123-0a1b2c3d4e5f", "", {"machines": ["mainpc", "pc2"], "back_to": back})
    assert book.last("pc2") == Last("20261123-0a1b2c3d4e5f", "up", "")
    book.note(both, "taken back")
    alone = book.begin("deploy", "20261124-0a1b2c3d4e5f", "", {"machines": ["mainpc"], "back_to": {}})
    book.note(alone, "stopped")
    book.note(alone, "done")
    assert book.last("pc2") == Last("20261123-0a1b2c3d4e5f", "up", "taken back")
    assert book.last("mainpc") == Last("20261124-0a1b2c3d4e5f", "", "done")


@pytest.mark.parametrize(("end", "stays_open"), [("", True), ("stopped", True), ("taken back", False), ("done", False)])
def test_only_what_holds_is_an_end(end: str, stays_open: bool) -> None:
    assert Last("20261124-0a1b2c3d4e5f", "up", end).open is stays_open


def test_what_was_touched_last_by_a_deploy_without_a_good_end_is_unproven(book: Journal) -> None:
    assert book.unproven() == set()
    first = book.begin("deploy", "20261123-0a1b2c3d4e5f", "", {})
    book.note(first, "touch", wave=1, instances=["pc2/A", "pc2/B"])
    assert book.unproven() == {"pc2/A", "pc2/B"}
    second = book.begin("deploy", "20261123-0a1b2c3d4e5f", "", {})
    book.note(second, "touch", wave=1, instances=["pc2/B", "mainpc/C"])
    book.note(second, "done")
    assert book.unproven() == {"pc2/A"}, "another deploy that ended well did not judge it"
    third = book.begin("rollback", "20261122-0a1b2c3d4e5f", "", {})
    book.note(third, "touch", wave=0, instances=["pc2/A"])
    book.note(third, "stopped")
    assert book.unproven() == {"pc2/A"}
    book.note(third, "taken back")
    assert book.unproven() == set()
