"""An OCI image layout with one uncompressed layer: what makes a root file system known by digest.

Follows the OCI image specification 1.0 (image-layout, config and manifest).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

LAYER = "application/vnd.oci.image.layer.v1.tar"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True)
class Layout:
    """An OCI layout on disk and the digest of its only manifest."""

    path: Path
    digest: str
    size: int


def write_layout(layer: Path, folder: Path, *, created: str, architecture: str = "amd64") -> Layout:
    """Move a tar file into a new layout at `folder`, which must not exist; equal bytes give an equal digest.

    `created` is an RFC 3339 time. The layout is complete when this returns; a crash leaves `folder` without
    `index.json`, which `read_layout` does not take for a layout.
    """
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    size = layer.stat().st_size
    digest = sha256_of(layer)
    shutil.move(layer, blobs / digest)
    config = {
        "architecture": architecture,
        "os": "linux",
        "created": created,
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created": created, "created_by": "mmdebstrap"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _put(blobs, CONFIG, config),
        "layers": [{"mediaType": LAYER, "digest": f"sha256:{digest}", "size": size}],
    }
    entry = _put(blobs, MANIFEST, manifest)
    (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}
    (folder / "index.json").write_text(json.dumps(index, sort_keys=True))
    return Layout(folder, str(entry["digest"]), size)


def read_layout(folder: Path) -> Layout | None:
    """The layout at `folder`; None where there is none or it is not whole."""
    try:
        index = json.loads((folder / "index.json").read_text())
        entry = index["manifests"][0]
        manifest = json.loads((folder / "blobs" / "sha256" / entry["digest"].split(":")[1]).read_text())
        layer = manifest["layers"][0]
        blob = folder / "blobs" / "sha256" / layer["digest"].split(":")[1]
        whole = blob.stat().st_size == layer["size"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return Layout(folder, entry["digest"], layer["size"]) if whole else None


def sha256_of(path: Path) -> str:
    """The sha256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _put(blobs: Path, media_type: str, value: object) -> dict[str, object]:
    data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}
