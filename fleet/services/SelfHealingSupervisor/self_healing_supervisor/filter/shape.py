"""The shape of a fleet container: a create request is written anew from this closed list. Pure.

What confines a container is a constant: a body that says otherwise is refused, and so is one with any other key, in any
spelling. (The engine reads keys without regard to case; here `privileged` is just a key that is not on the list.)
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from self_healing_supervisor.filter.rules import Refused
from self_healing_supervisor.filter.target import is_instance

IMAGE_LABEL: Final = "com.docker.compose.image"


def _address(text: str) -> str:
    return str(ip_address(text))


def _yes(value: bool) -> bool:
    if not value:
        raise ValueError("must be true")
    return value


def _no(value: bool) -> bool:
    return not _yes(not value)


Text = Annotated[str, Field(max_length=4096)]
# By digest, under whatever name; or an image's own id.
Image = Annotated[
    str,
    Field(pattern=r"^([a-z0-9._-]+(:\d{1,5})?(/[a-z0-9._-]+)*(:[A-Za-z0-9_.-]{1,128})?@)?sha256:[0-9a-f]{64}$"),
]
Network = Annotated[str, Field(pattern=r"^dockwright(-[a-z0-9-]{1,40})?$")]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,100}$")]
Port = Annotated[str, Field(pattern=r"^[1-9]\d{0,4}/tcp$")]
Label = Annotated[
    str, Field(pattern=r"^(com\.docker\.compose\.[a-z_.-]{1,60}|io\.dockwright\.(fleet|role|service|machine|config))$")
]
Peers = Annotated[str, Field(pattern=r"^DOCKWRIGHT_PEERS=[^\x00]*$", max_length=65536)]
# A literal would take 1 for True.
Yes = Annotated[bool, AfterValidator(_yes)]
No = Annotated[bool, AfterValidator(_no)]
Nothing = Annotated[dict[str, object], Field(max_length=0)]


class Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Published(Part):
    HostIp: Annotated[str, AfterValidator(_address)]
    HostPort: Annotated[str, Field(pattern=r"^[1-9]\d{3,4}$")]


class Volume(Part):
    """A volume of the fleet's own; without options, so that the engine can make nothing but a plain one."""

    Type: Literal["volume"]
    Source: Annotated[str, Field(pattern=r"^dockwright_[a-z0-9-]{1,80}$")]
    Target: Literal["/state", "/run/dockwright", "/run/secrets"]
    ReadOnly: bool = False

    @model_validator(mode="after")
    def _paired(self) -> Volume:
        shared = {"/run/dockwright": "dockwright_run", "/run/secrets": "dockwright_secrets"}.get(self.Target)
        if (shared is None) != self.Source.endswith("-state") or (
            shared and (self.Source, True) != (shared, self.ReadOnly)
        ):
            raise ValueError("a volume is shown only where it belongs")
        return self


class Bind(Part):
    """What is desired, or one secret, out of the rollout's own folder; to be read only."""

    Type: Literal["bind"]
    Source: Annotated[str, Field(pattern=r"^(/[^/\x00]+)*/rollout/(run|secrets/[A-Za-z0-9][A-Za-z0-9._-]*)$")]
    Target: Annotated[str, Field(pattern=r"^/run/(dockwright|secrets/[A-Za-z0-9][A-Za-z0-9._-]*)$")]
    ReadOnly: Yes

    @model_validator(mode="after")
    def _paired(self) -> Bind:
        parts = self.Source.split("/")
        inside = "/run/dockwright" if parts[-1] == "run" else f"/run/secrets/{parts[-1]}"
        if self.Target != inside or {".", ".."} & set(parts):
            raise ValueError("a file of the host is shown only where it belongs")
        return self


class Card(Part):
    Driver: Literal["nvidia"]
    Count: Annotated[int, Field(ge=-1, le=0)] = 0
    DeviceIDs: Annotated[
        list[Annotated[str, Field(pattern=r"^(\d{1,2}|GPU-[0-9a-f-]{36})$")]], Field(max_length=16)
    ] = []
    Capabilities: Annotated[list[list[Literal["gpu"]]], Field(min_length=1, max_length=1)]


class LogFiles(Part):
    Type: Literal["json-file"] = "json-file"
    Config: dict[Literal["max-size", "max-file"], Annotated[str, Field(pattern=r"^\d{1,3}m?$")]]


class Restart(Part):
    Name: Literal["no"] = "no"
    MaximumRetryCount: Annotated[int, Field(ge=0, le=0)] = 0


class Host(Part):
    Memory: Annotated[int, Field(ge=6 * 2**20, le=2**46)]
    MemorySwap: Annotated[int, Field(ge=6 * 2**20, le=2**46)]
    PidsLimit: Annotated[int, Field(ge=8, le=100_000)]
    NanoCpus: Annotated[int, Field(ge=1_000_000, le=4096 * 10**9)]
    NetworkMode: Network
    PortBindings: Annotated[dict[Port, Annotated[list[Published], Field(max_length=1)]], Field(max_length=8)] = {}
    Mounts: Annotated[list[Annotated[Volume | Bind, Field(discriminator="Type")]], Field(max_length=8)] = []
    DeviceRequests: Annotated[list[Card], Field(max_length=1)] = []
    LogConfig: LogFiles
    Tmpfs: dict[Literal["/tmp"], Annotated[str, Field(pattern=r"^size=\d{1,4}m,mode=1777,noexec,nosuid,nodev$")]]  # noqa: S108
    RestartPolicy: Restart = Restart()
    ReadonlyRootfs: Yes = True
    CapDrop: Annotated[list[Literal["ALL"]], Field(min_length=1, max_length=1)] = ["ALL"]
    SecurityOpt: Annotated[list[Literal["no-new-privileges:true"]], Field(min_length=1, max_length=1)] = [
        "no-new-privileges:true"
    ]
    Privileged: No = False


class Endpoint(Part):
    Aliases: Annotated[list[Word], Field(max_length=8)] = []


class Joined(Part):
    EndpointsConfig: Annotated[dict[Network, Endpoint], Field(max_length=1)]


class Body(Part):
    """A create request."""

    Image: Image
    User: Literal["10001:10001"] = "10001:10001"
    Env: Annotated[list[Peers], Field(max_length=1)] = []
    ExposedPorts: Annotated[dict[Port, Nothing], Field(max_length=8)] = {}
    Labels: Annotated[dict[Label, Text], Field(max_length=32)]
    StopTimeout: Annotated[int, Field(ge=1, le=60)] = 12
    HostConfig: Host
    NetworkingConfig: Joined

    @model_validator(mode="after")
    def _whole(self) -> Body:
        host = self.HostConfig
        if not is_instance(dict(self.Labels)):
            raise ValueError("the fleet's labels are missing")
        if host.MemorySwap != host.Memory:
            raise ValueError("memory has no swap")
        if list(self.NetworkingConfig.EndpointsConfig) != [host.NetworkMode]:
            raise ValueError("it joins one network")
        return self


def rebuilt(template: object, name: str, image: str = "") -> dict[str, Any]:
    """The create request of the container `name`, from the operator's own; `image` takes the place of its image.

    Raises Refused where the operator's body is of no such shape.
    """
    try:
        body = Body.model_validate(template)
        if image:
            labels = {**body.Labels, IMAGE_LABEL: image.rpartition("@")[2]}
            body = Body.model_validate({**body.model_dump(), "Image": image, "Labels": labels})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:100]
        raise Refused(f"the approved body of {name}: {where}: {first['msg']}"[:300]) from None
    own = f"dockwright_{name.removeprefix('dockwright-')}-state"
    if any(mount.Target == "/state" and mount.Source != own for mount in body.HostConfig.Mounts):
        raise Refused(f"the approved body of {name} has another one's state")
    return body.model_dump()
