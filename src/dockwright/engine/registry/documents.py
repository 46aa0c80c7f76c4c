"""What registries exchange, as the OCI image specification 1.1 defines it; an answer of another shape is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from dockwright.errors import DockwrightError

MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
INDEX: Final = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
EMPTY = "application/vnd.oci.empty.v1+json"
TITLE = "org.opencontainers.image.title"
# A manifest is small by nature: registries themselves take no larger ones.
LIMIT = 4 * 2**20

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class Document(BaseModel):
    """Closed to change, open to keys that are not used here."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")


class Descriptor(Document):
    """A blob or a manifest: its kind, its digest and its size."""

    media_type: str = Field(max_length=255)
    digest: Digest
    size: int = Field(ge=0, le=2**50)
    annotations: dict[str, str] | None = None
    artifact_type: str | None = Field(default=None, max_length=255)
    platform: dict[str, Any] | None = None

    @property
    def notes(self) -> dict[str, str]:
        return self.annotations or {}


class Manifest(Document):
    """An image or an artifact."""

    media_type: Literal[
        "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"
    ] = MANIFEST
    artifact_type: str | None = Field(default=None, max_length=255)
    config: Descriptor
    layers: tuple[Descriptor, ...] = Field(max_length=5000)
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None

    @property
    def kind(self) -> str:
        """What it is: the type that an artifact names for itself, else the type of its configuration."""
        return self.artifact_type or self.config.media_type


class Index(Document):
    """A list of manifests."""

    media_type: Literal[
        "application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"
    ] = INDEX
    manifests: tuple[Descriptor, ...] = Field(max_length=10_000)


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def read(data: bytes, where: str) -> Manifest | Index:
    """A manifest or an index. Raises DockwrightError for anything else."""
    try:
        value = json.loads(data)
        return Index.model_validate(value) if "manifests" in value else Manifest.model_validate(value)
    except (ValueError, TypeError, RecursionError, ValidationError) as error:
        raise DockwrightError(f"{where}: the registry's answer is no manifest") from error


def dumps(document: Document | Mapping[str, object]) -> bytes:
    """The same bytes for the same document, so that the same content has one digest."""
    value = document
    if isinstance(document, Document):
        value = {"schemaVersion": 2} if isinstance(document, Manifest | Index) else {}
        value |= document.model_dump(mode="json", by_alias=True, exclude_none=True)
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
