"""Whatever is done to a lock by hand is found, and nothing that stands in one makes the tool stumble."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lock.repo import Repo

from dockwright.lock import deb_drift, deb_tasks, drift, tasks
from dockwright.spec.load import load_fleet

PYTHON = "fleet/services/Alpha/requirements.lock"
DEBIAN = "fleet/families/base/apt.lock"


@pytest.fixture(scope="module")
def root(locked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A locked repository whose locks this module spoils and mends."""
    folder = tmp_path_factory.mktemp("spoilt") / "repo"
    return Path(shutil.copytree(locked / "repo", folder, ignore=shutil.ignore_patterns("src")))


@st.composite
def edits(draw: st.DrawFn) -> tuple[float, int, str]:
    """Where, how much is taken out, and what is put there instead."""
    alphabet = st.one_of(st.characters(codec="utf-8"), st.sampled_from("\\\n=#:;[]@<>!~ "))
    return draw(st.floats(0, 1)), draw(st.integers(0, 40)), draw(st.text(alphabet, max_size=20))


def spoilt(text: str, edit: tuple[float, int, str]) -> str:
    at = int(edit[0] * len(text))
    return text[:at] + edit[2] + text[at + edit[1] :]


@settings(max_examples=150, deadline=None)
@given(edits())
def test_an_edit_of_a_python_lock_below_its_head_is_found(root: Path, edit: tuple[float, int, str]) -> None:
    path = root / PYTHON
    text = path.read_text()
    task = tasks.tasks(load_fleet(root / "fleet"), root)["Alpha"]
    assert drift.stale(task, root) == []
    start = text.index("\n\n") + 2
    body = spoilt(text[start:], edit)
    try:
        path.write_text(text[:start] + body, newline="")
        found = drift.stale(task, root)
    finally:
        path.write_text(text)
    assert bool(found) == (body != text[start:])


@settings(max_examples=150, deadline=None)
@given(edits())
def test_an_edit_of_a_debian_lock_below_its_head_is_found(root: Path, edit: tuple[float, int, str]) -> None:
    path = root / DEBIAN
    text = path.read_text()
    fleet = load_fleet(root / "fleet")
    task = deb_tasks.tasks(fleet, root)["base"]
    start = text.index("\ncurl=") + 1
    body = spoilt(text[start:], edit)
    try:
        path.write_text(text[:start] + body, newline="")
        found = deb_drift.stale(task, fleet, root, {})
    finally:
        path.write_text(text)
    assert bool(found) == (body != text[start:])


@settings(max_examples=100, deadline=None)
@given(edits())
def test_an_edit_of_a_head_never_makes_it_stumble(root: Path, edit: tuple[float, int, str]) -> None:
    path = root / PYTHON
    text = path.read_text()
    task = tasks.tasks(load_fleet(root / "fleet"), root)["Alpha"]
    try:
        path.write_text(spoilt(text[: text.index("\n\n")], edit) + text[text.index("\n\n") :], newline="")
        for finding in drift.stale(task, root):
            assert finding.file == PYTHON
    finally:
        path.write_text(text)


def test_a_version_that_is_none_is_named(repo: Repo) -> None:
    repo.edit(PYTHON, "four==1.0", "four==latest")
    done = repo.lock("--check", "Alpha")
    assert (done.code, "Traceback" in done.said) == (1, False)
    assert f"{PYTHON}:7: requirements.lock: expected `name==version` with hashes" in done.out
