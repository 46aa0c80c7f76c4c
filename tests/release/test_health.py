"""Which release was healthy: only one with exactly the images that run, and the last one of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from release.made import SHA, contents, record, shelve

from dockwright.errors import UnreadableInput
from dockwright.release import health
from dockwright.release.shelf import Shelf

WORDS = {"mainpc/Alpha": "a", "mainpc/Painter": "a", "pc2/Beta": "a"}


def name(number: int) -> str:
    return f"2026112{number}-{SHA[:12]}"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Three releases; from each to the next, Alpha's image changes."""
    made = Shelf(tmp_path / "releases")
    shelve(
        made, (record(name(number), contents(WORDS | {"mainpc/Alpha": str(number)}), number) for number in (1, 2, 3))
    )
    return made


def running(shelf: Shelf, number: int, names: Iterable[str] = WORDS) -> dict[str, str]:
    instances = shelf.find(name(number)).contents.instances
    return {each: instances[each].digest for each in names}


def seen(shelf: Shelf, number: int, hour: int, machine: str = "mainpc", names: Iterable[str] = WORDS) -> str | None:
    found = health.note(shelf, machine, running(shelf, number, names), datetime(2026, 11, 24, hour, tzinfo=UTC))
    return found.name if found else None


def last(shelf: Shelf, machine: str | None = None, but: Iterable[str] = ()) -> str | None:
    found = health.last_healthy(shelf, (machine,) if machine else (), set(but))
    return found.name if found else None


def test_nothing_was_healthy_at_first(shelf: Shelf) -> None:
    assert last(shelf) is None
    assert health.read(shelf).machines == frozenset()


def test_the_last_one_seen_healthy_counts_and_not_the_newest(shelf: Shelf) -> None:
    assert seen(shelf, 2, 10) == name(2)
    assert seen(shelf, 1, 11) == name(1)
    assert last(shelf) == name(1)
    assert last(shelf, but={name(1)}) == name(2)
    assert last(shelf, "mainpc") == name(1)
    assert last(shelf, "pc2") is None
    seen(shelf, 2, 12)
    assert last(shelf) == name(2)


def test_images_of_two_releases_are_no_release(shelf: Shelf) -> None:
    mixed = running(shelf, 1) | {"pc2/Beta": running(shelf, 1)["mainpc/Alpha"]}
    assert health.note(shelf, "mainpc", mixed, datetime.now(UTC)) is None
    more = running(shelf, 1) | {"mainpc/Stranger": running(shelf, 1)["mainpc/Alpha"]}
    assert health.note(shelf, "mainpc", more, datetime.now(UTC)) is None
    assert health.note(shelf, "mainpc", {}, datetime.now(UTC)) is None
    assert not (shelf.home / "health.json").exists()


def test_what_a_host_cannot_run_is_no_hindrance(shelf: Shelf) -> None:
    assert seen(shelf, 1, 10, names=["mainpc/Alpha"]) == name(1)


def test_of_two_releases_that_are_the_same_here_it_is_the_newer_one(shelf: Shelf) -> None:
    assert seen(shelf, 1, 10, "pc2", names=["pc2/Beta"]) == name(3)


def test_a_release_is_healthy_when_it_was_on_every_machine(shelf: Shelf) -> None:
    seen(shelf, 1, 10)
    assert last(shelf) == name(1), "nothing was ever rolled out to pc2 from here"
    seen(shelf, 3, 11, "pc2", names=["pc2/Beta"])
    assert last(shelf) is None
    assert (last(shelf, "mainpc"), last(shelf, "pc2")) == (name(1), name(3))
    seen(shelf, 3, 12)
    assert last(shelf) == name(3)


def test_notes_of_another_shape_are_told(shelf: Shelf) -> None:
    for text in ("[", "[]", '{"a": 1}', '{"a": {"mainpc": 1}}'):
        (shelf.home / "health.json").write_text(text)
        with pytest.raises(UnreadableInput, match=r"health\.json"):
            health.read(shelf)
