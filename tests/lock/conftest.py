"""The small repository, locked once, and a copy of it for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from lock import index as indexes
from lock.index import Index, serving
from lock.repo import Repo, make


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    indexes.fill(folder)
    return folder


@pytest.fixture
def pypi(packages: Path) -> Iterator[Index]:
    """An index of this test's own: it may take packages away from it, or hold it up."""
    with serving(packages) as index:
        yield index


@pytest.fixture(scope="session")
def locked(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a repository whose locks were made by the tool itself."""
    folder = tmp_path_factory.mktemp("locked")
    with serving(packages) as index:
        done = make(folder, index.url).lock()
    assert done.code == 0, done.said
    return folder


@pytest.fixture
def repo(locked: Path, pypi: Index, tmp_path: Path) -> Repo:
    """A locked repository to break, with caches of its own."""
    folder = Path(shutil.copytree(locked, tmp_path / "work", ignore=shutil.ignore_patterns("uv")))
    return Repo(folder / "repo", pypi.url)
