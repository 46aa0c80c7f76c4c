"""Layouts follow the OCI specification, are known by digest, and are taken only when whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockwright.build.oci import Layout, read_layout, sha256_of, write_layout

CREATED = "2025-08-10T00:00:00Z"


def layer(folder: Path, content: bytes = b"a layer") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "root.tar"
    path.write_bytes(content)
    return path


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return write_layout(layer(tmp_path), tmp_path / "layout", created=CREATED)


def blob(layout: Layout, digest: str) -> Path:
    return layout.path / "blobs" / "sha256" / digest.removeprefix("sha256:")


def load(layout: Layout, descriptor: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(blob(layout, descriptor["digest"]).read_text())
    assert blob(layout, descriptor["digest"]).stat().st_size == descriptor["size"]
    return found


def test_a_layout_is_as_the_specification_has_it(layout: Layout) -> None:
    assert json.loads((layout.path / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads((layout.path / "index.json").read_text())
    (entry,) = index["manifests"]
    assert entry["digest"] == layout.digest
    manifest = load(layout, entry)
    config = load(layout, manifest["config"])
    content = hashlib.sha256(b"a layer").hexdigest()
    assert manifest["layers"] == [
        {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": f"sha256:{content}", "size": 7}
    ]
    assert config["rootfs"] == {"type": "layers", "diff_ids": [f"sha256:{content}"]}
    assert (config["os"], config["architecture"], config["created"]) == ("linux", "amd64", CREATED)


def test_every_blob_is_named_by_its_content(layout: Layout) -> None:
    blobs = list((layout.path / "blobs" / "sha256").iterdir())
    assert len(blobs) == 3
    assert all(path.name == sha256_of(path) for path in blobs)


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_equal_bytes_and_only_they_have_one_digest(
    tmp_path_factory: pytest.TempPathFactory, one: bytes, other: bytes
) -> None:
    folder = tmp_path_factory.mktemp("layouts")
    made = [
        write_layout(layer(folder / name, content), folder / name / "layout", created=CREATED)
        for name, content in (("one", one), ("other", other))
    ]
    assert (made[0].digest == made[1].digest) == (one == other)
    assert read_layout(made[0].path) == made[0]


def test_the_layers_file_is_moved_not_copied(tmp_path: Path) -> None:
    path = layer(tmp_path)
    write_layout(path, tmp_path / "layout", created=CREATED)
    assert not path.exists()


def test_an_existing_folder_is_never_written_into(layout: Layout, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        write_layout(layer(tmp_path), layout.path, created=CREATED)
    assert read_layout(layout.path) == layout


def test_what_is_not_whole_is_no_layout(layout: Layout, tmp_path: Path) -> None:
    """As a crash, a full disk or a curious user may leave it."""
    manifest = json.loads(blob(layout, layout.digest).read_text())
    content = blob(layout, manifest["layers"][0]["digest"])
    whole = content.read_bytes()
    for broken in (b"", whole[:-1], whole + b"x"):
        content.write_bytes(broken)
        assert read_layout(layout.path) is None
    content.unlink()
    assert read_layout(layout.path) is None
    content.write_bytes(whole)
    assert read_layout(layout.path) == layout
    index = layout.path / "index.json"
    for text in ("", "{}", '{"manifests": []}', '{"manifests": [{}]}', "[]", '{"manifests": [{"digest": "x"}]}'):
        index.write_text(text)
        assert read_layout(layout.path) is None, text
    assert read_layout(tmp_path / "nothing") is None
