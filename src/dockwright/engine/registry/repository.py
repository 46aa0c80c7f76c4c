"""One repository of a registry: what it has under which name, without pulling a layer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import requests

from dockwright.engine.registry import documents
from dockwright.engine.registry.documents import Descriptor, Index, Manifest
from dockwright.engine.registry.place import Place
from dockwright.engine.registry.wire import NotThere, Wire, told
from dockwright.errors import DockwrightError, UsageError

ACCEPTED = (documents.MANIFEST, documents.INDEX, documents.DOCKER_MANIFEST, documents.DOCKER_INDEX)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
PAGES = 1000


@dataclass(frozen=True)
class Kept:
    """A manifest or index as a registry keeps it: its digest, its own bytes, and what they say."""

    digest: str
    data: bytes
    document: Manifest | Index


@dataclass(frozen=True)
class RemoteImage:
    """An image in a registry: `digest` is its manifest's, `config` as the image specification defines it."""

    digest: str
    config: dict[str, Any]
    layers: tuple[Descriptor, ...]

    @property
    def labels(self) -> dict[str, str]:
        found = self.config.get("config")
        labels = found.get("Labels") if isinstance(found, dict) else None
        return {str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {}


class Repository:
    """`reference` is a tag or a digest. Raises Unreachable, DockwrightError."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def __str__(self) -> str:
        return str(self.place)

    @cached_property
    def wire(self) -> Wire:
        return Wire(self.place)

    def named(self, reference: str) -> str:
        """How Docker writes a reference: `HOST/PATH:TAG` or `HOST/PATH@DIGEST`."""
        return f"{self.place}{'@' if DIGEST.fullmatch(reference) else ':'}{checked(reference)}"

    def digest(self, reference: str) -> str | None:
        """The digest that a tag stands for; None where there is none."""
        try:
            with told(self.place.host):
                answer = self.wire.ask("head", f"manifests/{checked(reference)}", headers=_accept())
        except NotThere:
            return None
        said = answer.headers.get("Docker-Content-Digest", "")
        if DIGEST.fullmatch(said):
            return said
        found = self.get(reference)  # Not every registry names digests.
        return found.digest if found else None

    def get(self, reference: str) -> Kept | None:
        """A manifest or an index; None where there is none."""
        try:
            with told(self.place.host):
                answer = self.wire.ask("get", f"manifests/{checked(reference)}", headers=_accept())
        except NotThere:
            return None
        digest = documents.digest_of(answer.content)
        if digest != reference and DIGEST.fullmatch(reference):
            raise DockwrightError(f"{self.named(reference)}: the registry answers with other content than asked for")
        return Kept(digest, answer.content, documents.read(answer.content, self.named(reference)))

    def image(self, reference: str, architecture: str = "amd64") -> RemoteImage | None:
        """An image's configuration; of an image for several platforms, the one for Linux."""
        found = self.get(reference)
        if found and isinstance(found.document, Index):
            wanted = {"os": "linux", "architecture": architecture}
            chosen = [each for each in found.document.manifests if wanted.items() <= (each.platform or {}).items()]
            found = self.get(chosen[0].digest) if chosen else None
        if found is None or not isinstance(found.document, Manifest):
            return None
        config = json.loads(self.blob(found.document.config, documents.LIMIT))
        return RemoteImage(found.digest, config if isinstance(config, dict) else {}, found.document.layers)

    def has(self, digest: str) -> bool:
        """Whether a blob is there."""
        try:
            with told(self.place.host):
                self.wire.ask("head", f"blobs/{checked(digest)}")
        except NotThere:
            return False
        return True

    def blob(self, what: Descriptor, limit: int) -> bytes:
        """A small blob, held against its digest. Raises DockwrightError for one that is larger than `limit`."""
        if what.size > limit:
            raise DockwrightError(f"{self.place}: {what.digest} has {what.size} bytes, more than anything of its kind")
        return b"".join(self.chunks(what))

    def chunks(self, what: Descriptor) -> Iterator[bytes]:
        """A blob, chunk by chunk. Raises DockwrightError after the last one when it is not what its digest says."""
        got = 0
        with told(self.place.host):
            pulled = self.wire.pull_blob(checked(what.digest), chunk_size=2**18)
            for chunk in cast(Iterable[bytes], pulled):  # Without `size` it gives no pair.
                got += len(chunk)
                if got > what.size:
                    break
                yield chunk
        if got != what.size:
            raise DockwrightError(f"{self.place}: {what.digest} is not {what.size} bytes long, as its manifest says")

    def tags(self) -> list[str]:
        """Every tag; none where the repository does not exist."""
        try:
            return sorted({str(tag) for page in self._pages("tags/list") for tag in page.get("tags") or ()})
        except NotThere:
            return []

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        for _ in range(PAGES):
            with told(self.place.host):
                answer = self.wire.ask("get", path)
                page = answer.json()
                path = answer.links.get("next", {}).get("url", "")
            if not isinstance(page, dict):
                raise DockwrightError(f"{self.place}: the registry does not answer as a registry does")
            yield page
            if not path:
                return
        raise DockwrightError(f"{self.place}: the registry's list has no end")

    def put(self, document: bytes, media_type: str, reference: str) -> str:
        """Store a manifest or index under a tag or its own digest; returns its digest."""
        with told(self.place.host):
            headers = {"Content-Type": media_type}
            self.wire.ask("put", f"manifests/{checked(reference)}", data=document, headers=headers)
        return documents.digest_of(document)

    def tag(self, reference: str, tag: str) -> str:
        """Give what a reference stands for another name; returns its digest."""
        found = self.get(reference)
        if found is None:
            raise NotThere(f"{self.named(reference)} is not there")
        return self.put(found.data, found.document.media_type, tag)

    def delete(self, digest: str) -> bool:
        """Delete a manifest and with it every tag that stands for it; False where there is none."""
        try:
            with told(self.place.host):
                self.wire.ask("delete", f"manifests/{checked(digest)}")
        except NotThere:
            return False
        except DockwrightError as error:
            if _forbidden(error):
                raise DockwrightError(f"the registry {self.place.host} deletes nothing", "allow it there") from error
            raise
        return True


def checked(reference: str) -> str:
    """A tag or digest that is one: nothing else ever becomes part of an address."""
    if not (TAG.fullmatch(reference) or DIGEST.fullmatch(reference)):
        raise UsageError(f"{reference!r} is neither a tag nor a digest")
    return reference


def _accept() -> dict[str, str]:
    return {"Accept": ", ".join(ACCEPTED)}


def _forbidden(error: DockwrightError) -> bool:
    cause = error.__cause__
    return isinstance(cause, requests.HTTPError) and cause.response.status_code == requests.codes.method_not_allowed
