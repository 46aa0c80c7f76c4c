"""How a build names a root: as an image that was loaded into the engine, with the layout's own blobs and digest.

Not as the layout on disk, which BuildKit can read too: a read that breaks off leaves a part that it never goes on with
(`unsupported offset`), and every later build fails.
"""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from pathlib import Path

from dockwright.build.oci import Layout
from dockwright.engine.docker import Docker

REPOSITORY = "dockwright-root"


def reference(docker: Docker, name: str, layout: Layout) -> str:
    """The named context for a root, which the engine has from now on; an older one of that name loses its tag."""
    repository = f"{REPOSITORY}/{name}"
    tag = f"{repository}:{layout.digest.removeprefix('sha256:')[:12]}"
    there = docker.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository).split()
    if tag not in there:
        with tempfile.TemporaryDirectory(prefix="dockwright-root-", dir=layout.path.parent) as folder:
            archive = Path(folder) / "root.tar"
            write_archive(layout, tag, archive)
            docker.run("load", "--quiet", "--input", str(archive), timeout=600)
    old = [one for one in there if one != tag]
    if old:
        docker.run("image", "rm", *old, check=False)
    return f"docker-image://{tag}"


def write_archive(layout: Layout, tag: str, target: Path) -> None:
    """A layout as `docker load` takes it: the same blobs, named for both kinds of image store."""
    index = json.loads((layout.path / "index.json").read_text())
    manifest = json.loads(_blob(layout, layout.digest).read_text())
    config, layers = manifest["config"]["digest"], [layer["digest"] for layer in manifest["layers"]]
    for entry in index["manifests"]:
        entry["annotations"] = {"io.containerd.image.name": f"docker.io/{tag}"}
    heads = {
        "index.json": index,
        "manifest.json": [{"Config": _name(config), "RepoTags": [tag], "Layers": [_name(digest) for digest in layers]}],
        "oci-layout": json.loads((layout.path / "oci-layout").read_text()),
    }
    with tarfile.open(target, "w") as archive:
        for digest in (layout.digest, config, *layers):
            archive.add(_blob(layout, digest), _name(digest))
        for name, value in heads.items():
            said = json.dumps(value).encode()
            head = tarfile.TarInfo(name)
            head.size = len(said)
            archive.addfile(head, io.BytesIO(said))


def _name(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def _blob(layout: Layout, digest: str) -> Path:
    return layout.path / _name(digest)
