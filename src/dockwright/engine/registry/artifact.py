"""Artifacts: files with a type, kept in a registry as OCI 1.1 manifests, and what refers to what."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dockwright.engine.registry import documents
from dockwright.engine.registry.documents import Descriptor, Index, Manifest
from dockwright.engine.registry.repository import Kept, Repository
from dockwright.engine.registry.wire import NotThere, told
from dockwright.engine.state import in_turn, state_dir
from dockwright.errors import DockwrightError

CHUNK = 2**20
ATTEMPTS = 5

Moved = Callable[[int], None]


@dataclass(frozen=True)
class File:
    """One file of an artifact; `content` is bytes in memory or a path on disk."""

    name: str
    content: bytes | Path
    media_type: str = "application/octet-stream"
    annotations: Mapping[str, str] = field(default_factory=dict)

    def descriptor(self) -> Descriptor:
        if isinstance(self.content, bytes):
            digest, size = documents.digest_of(self.content), len(self.content)
        else:
            with self.content.open("rb") as file:
                digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
            size = self.content.stat().st_size
        notes = {**self.annotations, documents.TITLE: self.name}
        return Descriptor(media_type=self.media_type, digest=digest, size=size, annotations=notes)


@dataclass(frozen=True)
class Artifact:
    """An artifact in a registry: its digest, its type, its files by name."""

    digest: str
    kind: str
    files: Mapping[str, Descriptor]
    annotations: Mapping[str, str]
    subject: str | None


def push(
    repository: Repository,
    kind: str,
    files: Iterable[File],
    *,
    annotations: Mapping[str, str] | None = None,
    subject: str | None = None,
    tag: str | None = None,
    moved: Moved = lambda _: None,
) -> str:
    """Store files as one artifact of a type (`application/vnd.…`); returns its digest.

    The manifest goes last: no name ever stands for half an artifact. Files that are there are not sent again. `subject`
    is the digest of a manifest of the same repository that this one says something of. `moved`: bytes sent.
    """
    about = _subject(repository, subject) if subject else None
    layers = [send(repository, file, moved) for file in files]
    empty = send(repository, File("", b"{}", documents.EMPTY), moved)
    empty = Descriptor(media_type=documents.EMPTY, digest=empty.digest, size=empty.size)
    manifest = Manifest(
        artifact_type=kind,
        config=empty,
        layers=tuple(layers or [empty]),
        subject=about,
        annotations=dict(annotations) if annotations else None,
    )
    data = documents.dumps(manifest)
    digest = repository.put(data, documents.MANIFEST, documents.digest_of(data))
    if about:
        _refer(repository, about, manifest, digest, len(data))
    if tag:
        repository.put(data, documents.MANIFEST, tag)
    return digest


def send(repository: Repository, file: File, moved: Moved) -> Descriptor:
    """Upload one file, unless the repository has it."""
    what = file.descriptor()
    if not repository.has(what.digest):
        with told(repository.place.host):
            if isinstance(file.content, Path):
                repository.wire.push_blob(
                    filename=str(file.content), progress=lambda _, chunk, __: moved(len(chunk)), check_exists=False
                )
            else:
                body = io.BytesIO(file.content)
                repository.wire.push_blob(data=body, digest=what.digest, check_exists=False)
                moved(what.size)
    return what


def look(repository: Repository, reference: str) -> Artifact | None:
    """What an artifact is and holds; None where there is none."""
    found = repository.get(reference)
    return _artifact(repository, found) if found else None


def _artifact(repository: Repository, found: Kept) -> Artifact:
    manifest = found.document
    if not isinstance(manifest, Manifest):
        raise DockwrightError(f"{repository.named(found.digest)} is a list of images, not an artifact")
    files: dict[str, Descriptor] = {}
    for layer in manifest.layers:
        name = layer.notes.get(documents.TITLE, "")
        if not name and layer.media_type == documents.EMPTY:
            continue
        if not plain(name) or name in files:
            raise DockwrightError(f"{repository.named(found.digest)}: {name!r} is no name for a file of its own")
        files[name] = layer
    subject = manifest.subject.digest if manifest.subject else None
    return Artifact(found.digest, manifest.kind, files, manifest.annotations or {}, subject)


def plain(name: str) -> bool:
    """Whether a name is that of a file in one folder: what a registry says never leads anywhere else."""
    return name not in ("", ".", "..") and len(name) <= 255 and name.isprintable() and not set(name) & set("/\\")


def read(repository: Repository, artifact: Artifact, name: str, limit: int = documents.LIMIT) -> bytes:
    """One small file of an artifact, held against its digest."""
    if name not in artifact.files:
        raise NotThere(f"{repository.named(artifact.digest)} holds no file {name}")
    return repository.blob(artifact.files[name], limit)


def fetch(
    repository: Repository, artifact: Artifact, names: Iterable[str], folder: Path, moved: Moved = lambda _: None
) -> list[Path]:
    """Download files of an artifact into a folder; each has its name there only when it is what its digest says."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for name in names:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as file:
            try:
                for chunk in repository.chunks(artifact.files[name]):
                    file.write(chunk)
                    moved(len(chunk))
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                Path(file.name).rename(folder / name)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        found.append(folder / name)
    return found


def referrers(repository: Repository, subject: str, kind: str = "") -> list[Descriptor]:
    """What says something of a manifest: descriptors of artifacts, of one type or of all, the oldest first.

    Asks the registry's own list; where it keeps none (404), the index under the tag that OCI 1.1 gives for that.
    """
    found = _listed(repository, subject)
    return [each for each in found if kind in ("", each.artifact_type)]


def _listed(repository: Repository, subject: str) -> list[Descriptor]:
    try:
        with told(repository.place.host):
            answer = repository.wire.ask("get", f"referrers/{subject}")
        document = documents.read(answer.content, f"referrers of {repository.named(subject)}")
    except NotThere:
        kept = repository.get(fallback(subject))
        if kept is None:
            return []
        document = kept.document
    return list(document.manifests) if isinstance(document, Index) else []


def fallback(subject: str) -> str:
    """The tag that lists what refers to a digest, where a registry keeps no such list itself."""
    return subject.replace(":", "-")


def _subject(repository: Repository, digest: str) -> Descriptor:
    found = repository.get(digest)
    if found is None:
        raise NotThere(f"{repository.named(digest)} is not there, so nothing can be attached to it")
    return Descriptor(media_type=found.document.media_type, digest=found.digest, size=len(found.data))


def _refer(repository: Repository, subject: Descriptor, manifest: Manifest, digest: str, size: int) -> None:
    """Add an artifact to the list of its subject, where the registry does not do so by itself.

    Two who write that list at once overwrite each other, as the specification warns. On one machine they take turns;
    for others the list is read again, and who was overwritten in spite of that is listed when it is pushed again.
    """
    with in_turn(state_dir() / "referrers.lock", "another push lists what it attached", lambda _: None):
        _list(repository, subject, manifest, digest, size)


def _list(repository: Repository, subject: Descriptor, manifest: Manifest, digest: str, size: int) -> None:
    entry = Descriptor(
        media_type=documents.MANIFEST,
        digest=digest,
        size=size,
        artifact_type=manifest.artifact_type,
        annotations=manifest.annotations,
    )
    for _ in range(ATTEMPTS):
        known = _listed(repository, subject.digest)
        if digest in {each.digest for each in known}:
            return
        listed = documents.dumps(Index(manifests=(*known, entry)))
        repository.put(listed, documents.INDEX, fallback(subject.digest))
    if digest not in {each.digest for each in _listed(repository, subject.digest)}:
        raise DockwrightError(f"{repository}: {digest} could not be listed as about {subject.digest}", "run it again")
