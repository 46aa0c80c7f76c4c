"""Where a build comes from, asked of real checkouts."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dockwright.build.origin import Origin, day, read_origin

# Half an hour before midnight in UTC, in the next day where it was committed.
COMMITTED = "2026-11-25T01:30:00+02:00"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, and git without this machine's configuration."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "file").write_text("one")
    (folder / ".gitignore").write_text("ignored\n")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=t", "-c", "user.email=t@example.invalid", "commit", "--quiet", "-m", "one")
    return folder


def git(folder: Path, *words: str) -> str:
    env = {**os.environ, "GIT_COMMITTER_DATE": COMMITTED}
    done = subprocess.run(("git", "-C", folder, *words), capture_output=True, text=True, check=True, env=env)
    return done.stdout.strip()


def test_a_clean_checkout_is_its_commit(checkout: Path) -> None:
    sha = git(checkout, "rev-parse", "HEAD")
    origin = read_origin(checkout)
    assert origin == Origin(sha, False, "20261124")
    assert origin.tag == f"20261124-{sha[:12]}"
    (checkout / "ignored").touch()
    assert not read_origin(checkout).dirty


@pytest.mark.parametrize("change", ["changed", "new", "removed", "staged"])
def test_whatever_no_commit_has_is_said(checkout: Path, change: str) -> None:
    if change == "removed":
        (checkout / "file").unlink()
    else:
        (checkout / ("other" if change == "new" else "file")).write_text("two")
    if change == "staged":
        git(checkout, "add", ".")
    origin = read_origin(checkout)
    assert origin.dirty
    assert origin.tag.endswith("-dirty")


def unknown(folder: Path) -> bool:
    """Whether a folder's origin is no commit, and of today: there is no other day that it could be of."""
    days = {day(datetime.now(UTC))}
    origin = read_origin(folder)
    return origin in {Origin("unknown", True, one) for one in days | {day(datetime.now(UTC))}}


def test_a_folder_that_is_no_checkout_is_unknown(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    git(tmp_path, "init", "--quiet", "unborn")
    assert unknown(tmp_path / "plain")
    assert unknown(tmp_path / "unborn")


@pytest.mark.parametrize("name", ["ignored", "untracked"])
def test_a_folder_in_somebody_elses_checkout_is_not_of_its_commit(checkout: Path, name: str) -> None:
    (checkout / name).mkdir()
    (checkout / name / "file").write_text("mine")
    assert unknown(checkout / name)


def test_a_folder_that_a_larger_checkout_has_is_of_its_commit(checkout: Path) -> None:
    (checkout / "part").mkdir()
    (checkout / "part" / "file").write_text("mine")
    git(checkout, "add", ".")
    git(checkout, "-c", "user.name=t", "-c", "user.email=t@example.invalid", "commit", "--quiet", "-m", "two")
    (checkout / "file").write_text("what lies beside it decides nothing in it")
    assert read_origin(checkout / "part") == Origin(git(checkout, "rev-parse", "HEAD"), False, "20261124")
    (checkout / "part" / "file").write_text("changed")
    assert read_origin(checkout / "part").dirty


def test_a_configuration_that_shows_signatures_changes_nothing(checkout: Path) -> None:
    git(checkout, "config", "log.showSignature", "true")
    assert read_origin(checkout).git_sha == git(checkout, "rev-parse", "HEAD")
