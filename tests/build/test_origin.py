"""Where a build comes from, asked of real checkouts."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dockwright.build.origin import Origin, read_origin

NOW = datetime(2026, 11, 24, 23, 59, tzinfo=UTC)


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
    done = subprocess.run(("git", "-C", folder, *words), capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_clean_checkout_is_its_commit(checkout: Path) -> None:
    sha = git(checkout, "rev-parse", "HEAD")
    origin = read_origin(checkout, NOW)
    assert origin == Origin(sha, False, "20261124")
    assert origin.tag == f"20261124-{sha[:12]}"
    (checkout / "ignored").touch()
    assert not read_origin(checkout, NOW).dirty


@pytest.mark.parametrize("change", ["changed", "new", "removed", "staged"])
def test_whatever_no_commit_has_is_said(checkout: Path, change: str) -> None:
    if change == "removed":
        (checkout / "file").unlink()
    else:
        (checkout / ("other" if change == "new" else "file")).write_text("two")
    if change == "staged":
        git(checkout, "add", ".")
    origin = read_origin(checkout, NOW)
    assert origin.dirty
    assert origin.tag.endswith("-dirty")


def test_a_folder_that_is_no_checkout_is_unknown(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    assert read_origin(tmp_path / "plain", NOW) == Origin("unknown", True, "20261124")
    git(tmp_path, "init", "--quiet", "unborn")
    assert read_origin(tmp_path / "unborn", NOW) == Origin("unknown", True, "20261124")


@pytest.mark.parametrize("name", ["ignored", "untracked"])
def test_a_folder_in_somebody_elses_checkout_is_not_of_its_commit(checkout: Path, name: str) -> None:
    (checkout / name).mkdir()
    (checkout / name / "file").write_text("mine")
    assert read_origin(checkout / name, NOW) == Origin("unknown", True, "20261124")


def test_a_folder_that_a_larger_checkout_has_is_of_its_commit(checkout: Path) -> None:
    (checkout / "part").mkdir()
    (checkout / "part" / "file").write_text("mine")
    git(checkout, "add", ".")
    git(checkout, "-c", "user.name=t", "-c", "user.email=t@example.invalid", "commit", "--quiet", "-m", "two")
    (checkout / "file").write_text("what lies beside it decides nothing in it")
    assert read_origin(checkout / "part", NOW) == Origin(git(checkout, "rev-parse", "HEAD"), False, "20261124")
    (checkout / "part" / "file").write_text("changed")
    assert read_origin(checkout / "part", NOW).dirty


def test_the_day_is_now_in_utc(checkout: Path) -> None:
    before = datetime.now(UTC).strftime("%Y%m%d")
    assert read_origin(checkout).date in (before, datetime.now(UTC).strftime("%Y%m%d"))
