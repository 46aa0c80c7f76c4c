"""What a release is made of. Values only; the JSON schema in docs/reference is generated from them.

Digests decide whether two releases are the same: `digest` is that of `contents` alone. When a record was written, by
what words, and how large its images were measured stands beside it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dockwright.engine.state import dumps
from dockwright.errors import UnreadableInput

VERSION: Final = 1
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$", description="sha256:hexadecimal")]
Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$", description="a commit")]
NAME = re.compile(r"\d{8}-[0-9a-f]{12}(-[1-9]\d*)?")
ReleaseName = Annotated[str, Field(pattern=f"^{NAME.pattern}$", description="YYYYMMDD-<git_sha>")]
Setting = int | str


class Part(BaseModel):
    """A part of a record: strict, closed, and never changed."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Picture(Part):
    """One image by digest."""

    reference: str = Field(min_length=3, max_length=512, description="the repository and tag under which it was built")
    digest: Digest = Field(description="of its manifest")
    input_digest: Digest = Field(description="of everything that decides it")
    git_sha: str = Field(description="the commit that it says it was built from")

    @property
    def repository(self) -> str:
        return self.reference.rpartition(":")[0]

    @property
    def tag(self) -> str:
        return self.reference.rpartition(":")[2]


class InstancePicture(Picture):
    """The image of one instance."""

    family: str = Field(description="the family that it stands on")
    sbom: Digest = Field(description="of the bill of materials inside it")
    profile: Digest = Field(description="of the machine profile inside it")


class TicketInForce(Part):
    """A change-control record that held when the release was made."""

    title: str
    status: Literal["decided", "open"]


class Contents(Part):
    """Everything that a release consists of."""

    git_sha: Sha = Field(description="the commit that was released")
    instances: dict[str, InstancePicture] = Field(min_length=1, description="machine/service -> its image")
    families: dict[str, Picture] = Field(description="family -> its image")
    roots: dict[str, Digest] = Field(description="root -> digest")
    profiles: dict[str, dict[str, Setting]] = Field(description="machine -> the keys of its profile")
    locks: dict[str, Digest] = Field(description="lock file -> digest of its content")
    tickets: dict[str, TicketInForce] = Field(description="number, such as 0019 -> ticket")
    left_out: dict[str, str] = Field(description="instances that are not part of it -> why")

    @property
    def digest(self) -> str:
        """The digest of the canonical form: keys sorted, no white space."""
        return digest_of(canonical(self.model_dump(mode="json")))

    def pictures(self) -> Iterator[tuple[str, Picture]]:
        """Every image by name, families first."""
        yield from self.families.items()
        yield from self.instances.items()


class Record(Part):
    """A release: written once, then only read."""

    version: Literal[1] = Field(description="of this format")
    name: ReleaseName = Field(description="YYYYMMDD-<git_sha>, and -2, -3… where one commit was released again")
    created: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$", description="when it was written, in UTC")
    note: str = Field(max_length=2000, description="what the person who made it says of it")
    digest: Digest = Field(description="of the contents, keys sorted, without white space")
    contents: Contents = Field(description="what decides which release it is")
    sizes: dict[str, int] = Field(description="image -> unpacked bytes, as measured by the engine that had it then")

    def text(self) -> str:
        """The file's content."""
        return dumps(self.model_dump(mode="json"))

    def digests(self) -> frozenset[str]:
        """Every image that it refers to."""
        return frozenset(picture.digest for _, picture in self.contents.pictures())

    def machines(self) -> frozenset[str]:
        """The machines that it has an instance for."""
        return frozenset(name.partition("/")[0] for name in self.contents.instances)


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def read(data: bytes, shown: str) -> Record:
    """The record that some bytes are; `shown` names them in errors.

    Raises UnreadableInput for another format, or contents that are not what their digest says.
    """
    try:
        record = Record.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"]))
        says = f"{shown}: no release record: {at}: {first['msg']}" if at else f"{shown}: no release record"
        raise UnreadableInput(says, "move the file away, or fetch the release again") from None
    if record.digest != record.contents.digest:
        says = f"{shown}: was changed after it was written: its contents are not what its digest says"
        raise UnreadableInput(says, "move the file away, or fetch the release again")
    return record
