"""How a build names a root: as the layout on disk, or, where the engine cannot read one, as an image loaded into it."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from pathlib import Path

from dockwright.build.oci import Layout
from dockwright.engine.docker import Docker


def reference(docker: Docker, name: str, layout: Layout) -> str:
    """The named context for a root. BuildKit reads OCI layouts only in engines with a containerd image store."""
    if docker.image_store == "containerd":
        return layout.reference
    tag = f"dockwright-root/{name}:{layout.digest.removeprefix('sha256:')[:12]}"
    if not docker.inspect("image", [tag]):
        with tempfile.TemporaryDirectory(prefix="dockwright-root-", dir=layout.path.parent) as folder:
            archive = Path(folder) / "root.tar"
            write_archive(layout, tag, archive)
            docker.run("load", "--quiet", "--input", str(archive), timeout=600)
    return f"docker-image://{tag}"


def write_archive(layout: Layout, tag: str, target: Path) -> None:
    """A layout as `docker load` takes it: the same blobs, with a manifest.json that names them."""
    manifest = json.loads(_blob(layout, layout.digest).read_text())
    config, layers = manifest["config"]["digest"], [layer["digest"] for layer in manifest["layers"]]
    entry = {"Config": _name(config), "RepoTags": [tag], "Layers": [_name(digest) for digest in layers]}
    said = json.dumps([entry]).encode()
    with tarfile.open(target, "w") as archive:
        for digest in (config, *layers):
            archive.add(_blob(layout, digest), _name(digest))
        head = tarfile.TarInfo("manifest.json")
        head.size = len(said)
        archive.addfile(head, io.BytesIO(said))


def _name(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def _blob(layout: Layout, digest: str) -> Path:
    return layout.path / _name(digest)
