"""The pool of Debian packages: nothing enters or leaves it that is not what its lock says."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dockwright.build import pool
from dockwright.errors import DockwrightError
from dockwright.lock.debs import Deb

Kept = Callable[[str, bytes], Deb]


def deb(name: str, content: bytes, version: str = "1:1.0-1") -> Deb:
    return Deb(name, version, "amd64", f"sha256:{hashlib.sha256(content).hexdigest()}", len(content))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """Puts a package with some content into a pool of its own."""
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path / "state"))

    def keep(name: str, content: bytes) -> Deb:
        (tmp_path / "file").write_bytes(content)
        pool.keep(tmp_path / "file", deb(name, content))
        return deb(name, content)

    return keep


def test_what_was_kept_is_found_by_its_content_alone(kept: Kept) -> None:
    curl = kept("curl", b"curl")
    found = pool.find(curl)
    assert found is not None
    assert found.read_bytes() == b"curl"
    assert pool.find(deb("curl", b"another")) is None


def test_a_file_that_is_not_what_the_lock_says_never_enters(kept: Kept, tmp_path: Path) -> None:
    kept("curl", b"curl")
    (tmp_path / "file").write_bytes(b"something else")
    with pytest.raises(DockwrightError, match=r"tini 1:1\.0-1: downloaded sha256:.*, and the lock says sha256:"):
        pool.keep(tmp_path / "file", deb("tini", b"tini"))
    assert len(list(pool.folder().iterdir())) == 1


def test_a_file_that_was_damaged_is_fetched_again(kept: Kept) -> None:
    curl = kept("curl", b"curl")
    found = pool.find(curl)
    assert found is not None
    found.write_bytes(b"curL")
    assert pool.find(curl) is None
    assert list(pool.folder().iterdir()) == []
    kept("curl", b"curl")
    assert pool.find(curl)


def test_copies_are_readable_for_everybody_and_named_as_apt_does(kept: Kept, tmp_path: Path) -> None:
    made = pool.copy([kept("curl", b"curl"), kept("tini", b"tini")], tmp_path / "archive")
    assert {name: path.name for name, path in made.items()} == {
        "curl": "curl_1%3a1.0-1_amd64.deb",
        "tini": "tini_1%3a1.0-1_amd64.deb",
    }
    assert {path.stat().st_mode & 0o777 for path in made.values()} == {0o644}
    assert (tmp_path / "archive").stat().st_mode & 0o777 == 0o755
    with pytest.raises(DockwrightError, match=r"gosu 1:1\.0-1 has just gone"):
        pool.copy([deb("gosu", b"gosu")], tmp_path / "other")


def test_what_was_used_last_is_what_stays(kept: Kept) -> None:
    made = [kept(f"p{number}", bytes([number]) * 100) for number in range(5)]
    for age, each in enumerate(made):
        os.utime(pool._path(each), (age, age))
    assert pool.find(made[0])
    pool.prune(limit=250)
    assert [each.name for each in made if pool.find(each)] == ["p0", "p4"]
    pool.prune(limit=0)
    assert list(pool.folder().iterdir()) == []


def test_a_pool_that_is_not_there_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path / "state"))
    pool.prune()
    assert pool.find(deb("curl", b"curl")) is None
