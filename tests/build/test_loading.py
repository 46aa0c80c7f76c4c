"""A root as an archive that `docker load` takes: the layout's own blobs, named."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

from dockwright.build.loading import write_archive
from dockwright.build.oci import write_layout


def test_the_archive_holds_the_layouts_blobs_and_names_them(tmp_path: Path) -> None:
    layer = tmp_path / "layer.tar"
    with tarfile.open(layer, "w") as made:
        made.addfile(tarfile.TarInfo("file"))
    content = layer.read_bytes()
    layout = write_layout(layer, tmp_path / "layout", created="2026-01-01T00:00:00Z")
    write_archive(layout, "dockwright-root/debian:abc", tmp_path / "root.tar")
    with tarfile.open(tmp_path / "root.tar") as archive:
        files = {member.name: archive.extractfile(member) for member in archive}
        read = {name: file.read() for name, file in files.items() if file}
    (entry,) = json.loads(read.pop("manifest.json"))
    assert entry["RepoTags"] == ["dockwright-root/debian:abc"]
    assert [read[name] for name in entry["Layers"]] == [content]
    assert json.loads(read[entry["Config"]])["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(content).hexdigest()}"]
    assert json.loads(read.pop("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
    (named,) = json.loads(read.pop("index.json"))["manifests"]
    assert named["digest"] == layout.digest
    assert named["annotations"] == {"io.containerd.image.name": "docker.io/dockwright-root/debian:abc"}
    assert f"blobs/sha256/{layout.digest.removeprefix('sha256:')}" in read
    for name, data in read.items():
        assert name == f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"
