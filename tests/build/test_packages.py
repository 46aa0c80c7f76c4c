"""What locks of Debian packages stand for on a host: their pins, or what it had to take instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from build.small import checkout, relocked

from dockwright.build import packages
from dockwright.build.packages import Packages
from dockwright.errors import DockwrightError, UnreadableInput
from dockwright.lock import deb_tasks, debs
from dockwright.spec.load import load_fleet
from dockwright.spec.model import Fleet

NAMES = ("debian-bookworm", "debian-bookworm/build", "base-utils")
LOCK = Path("fleet/families/base-utils/apt.lock")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path / "state"))
    return checkout(tmp_path)


@pytest.fixture
def fleet(repo: Path) -> Fleet:
    return load_fleet(repo / "fleet")


Instead = Callable[..., Packages]


@pytest.fixture
def instead(repo: Path, fleet: Fleet) -> Instead:
    """Notes that another version of one package was taken than a lock pins."""

    def note(name: str, package: str, version: str) -> Packages:
        task = deb_tasks.tasks(fleet, repo)[name]
        lock = debs.read(repo / task.file, str(task.file))
        found = {**lock.debs, package: replace(lock.debs[package], version=version)}
        above = packages.expected(fleet, repo, ["debian-bookworm"]).values() if task.above else ()
        return packages.note_instead(task, lock, above, found)

    return note


def test_a_lock_stands_for_its_pins(repo: Path, fleet: Fleet) -> None:
    found = packages.expected(fleet, repo, NAMES)
    assert set(found) == set(NAMES)
    assert all(of.as_locked and of.differences == () for of in found.values())
    assert found["base-utils"].debs["curl"].via == ("apt.in",)
    assert packages.gone(fleet, repo) == set()


def test_what_was_taken_instead_counts_here_and_is_told(repo: Path, fleet: Fleet, instead: Instead) -> None:
    before = packages.expected(fleet, repo, NAMES)
    noted = instead("base-utils", "curl", "9.0-1")
    after = packages.expected(fleet, repo, NAMES)
    pinned = before["base-utils"].debs["curl"].version
    assert (after["base-utils"].identity, after["base-utils"].as_locked) == (noted.identity, False)
    assert after["base-utils"].differences == noted.differences
    assert str(noted) == f"base-utils is not as locked: curl 9.0-1 instead of {pinned}"
    assert after["base-utils"].identity != before["base-utils"].identity
    assert after["debian-bookworm"] == before["debian-bookworm"]
    assert packages.expected(fleet, repo, NAMES, locked=True) == before
    assert packages.gone(fleet, repo) == {"base-utils"}


def test_a_new_lock_makes_what_was_taken_instead_void(repo: Path, fleet: Fleet, instead: Instead) -> None:
    instead("base-utils", "curl", "9.0-1")
    relocked(repo / LOCK, "curl", version="8.0-1")
    assert packages.expected(fleet, repo, NAMES)["base-utils"].as_locked
    assert packages.gone(fleet, repo) == set()


def test_other_packages_below_make_it_void_too(repo: Path, fleet: Fleet, instead: Instead) -> None:
    instead("base-utils", "curl", "9.0-1")
    instead("debian-bookworm", "tini", "9.0-1")
    found = packages.expected(fleet, repo, NAMES)
    assert found["base-utils"].as_locked
    assert not found["debian-bookworm"].as_locked


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"lock": 1}', '{"lock": "x", "above": [], "debs": "curl"}'])
def test_a_damaged_note_is_none(repo: Path, fleet: Fleet, instead: Instead, damage: str) -> None:
    instead("base-utils", "curl", "9.0-1")
    packages._note("base-utils").write_text(damage)
    assert packages.expected(fleet, repo, NAMES)["base-utils"].as_locked
    packages.forget("base-utils")
    packages.forget("base-utils")
    assert packages.gone(fleet, repo) == set()


def test_many_differences_are_counted() -> None:
    of = Packages("some", {}, False, tuple(f"p{number} 2 instead of 1" for number in range(9)))
    assert str(of).endswith("p4 2 instead of 1, and 4 more")


def test_packages_come_and_go(repo: Path) -> None:
    lock = debs.read(repo / LOCK, "apt.lock")
    found = {name: deb for name, deb in lock.debs.items() if name != "gosu"}
    found["more"] = replace(lock.debs["curl"], name="more", version="1")
    assert packages.differences(lock, found) == ("no gosu", "more 1 besides")


EDITS = {
    "another version": ("dumb-init=1.2.5-2", "dumb-init=1.2.5-3"),
    "another sha256": ("sha256:a8eae71eb01d", "sha256:a8eae71eb01e"),
}


@pytest.mark.parametrize(("old", "new"), EDITS.values(), ids=EDITS)
def test_a_lock_that_was_edited_by_hand_is_refused(repo: Path, fleet: Fleet, old: str, new: str) -> None:
    text = (repo / LOCK).read_text()
    assert old in text
    (repo / LOCK).write_text(text.replace(old, new))
    with pytest.raises(DockwrightError) as caught:
        packages.expected(fleet, repo, NAMES)
    assert str(caught.value) == f"{LOCK}: was changed by hand"
    assert caught.value.exit_code == 1


def test_a_lock_of_something_else_than_is_asked_for_is_refused(repo: Path, fleet: Fleet) -> None:
    (repo / "fleet/families/base-utils/apt.in").write_text("curl\n")
    with pytest.raises(DockwrightError, match=r"apt\.lock: was made from another .*/apt\.in than now"):
        packages.expected(fleet, repo, NAMES)
    (repo / LOCK).unlink()
    with pytest.raises(UnreadableInput, match=r"base-utils/apt\.lock: there is no such lock"):
        packages.expected(fleet, repo, NAMES)
