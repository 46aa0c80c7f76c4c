"""What packages need is read off the packages, within bounds, and kept."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from lock.index import Index
from lock.wheels import wheel

from dockwright.lock import metadata
from dockwright.lock.files import File


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path / "state"))


def offered(index: Index, name: str, *, sha256: str = "") -> File:
    said = index._file(index.folder / name)
    hashes = said["hashes"]
    assert isinstance(hashes, dict)
    url = index.url.replace("/simple", f"/files/{name}")
    return File(name, url, sha256 or f"sha256:{hashes['sha256']}", int(str(said["size"])))


def test_it_is_asked_for_once_and_then_known_offline(pypi: Index) -> None:
    file = offered(pypi, "three-1.0-py3-none-any.whl")
    wanted = ("two", 'four>=1; extra == "more"', 'never; python_version < "3"')
    assert metadata.read([file], offline=True) == {}
    assert metadata.read([file], offline=False) == {file.sha256: wanted}
    asked = len(pypi.paths)
    assert metadata.read([file], offline=False) == metadata.read([file], offline=True) == {file.sha256: wanted}
    assert len(pypi.paths) == asked


def test_a_small_wheel_is_only_believed_with_its_hash(pypi: Index) -> None:
    pypi.beside = False
    good = offered(pypi, "two-1.0-py3-none-any.whl")
    bad = offered(pypi, "two-1.0-py3-none-any.whl", sha256="sha256:" + "0" * 64)
    assert metadata.read([good, bad], offline=False) == {good.sha256: ("one>=1",)}


def test_of_a_large_wheel_only_the_part_with_the_metadata_is_read(pypi: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    pypi.beside = False
    monkeypatch.setattr(metadata, "SMALL", 10)
    file = offered(pypi, "two-1.0-py3-none-any.whl")
    assert metadata.read([file], offline=False) == {file.sha256: ("one>=1",)}
    pypi.parts = False
    other = offered(pypi, "three-1.0-py3-none-any.whl")
    assert metadata.read([other], offline=False) == {}


def test_metadata_without_end_is_no_metadata() -> None:
    with pytest.raises(ValueError, match="larger than 4 MiB"):
        metadata.parsed(b"x" * (metadata.MAX_BYTES + 1))


def test_what_is_no_wheel_or_holds_no_metadata_is_left_out(tmp_path: Path) -> None:
    broken, empty = tmp_path / "broken-1-py3-none-any.whl", tmp_path / "empty-1-py3-none-any.whl"
    broken.write_bytes(b"PK nonsense")
    with zipfile.ZipFile(empty, "w") as made:
        made.writestr("empty.py", "")
    good = wheel(tmp_path, "good", "1", ("one",))
    listed = [File(path.name, str(path), f"sha256:{number}", 1) for number, path in enumerate((broken, empty, good))]
    assert metadata.read(listed, offline=True) == {"sha256:2": ("one",)}
