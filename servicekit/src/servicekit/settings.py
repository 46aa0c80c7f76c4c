"""Everything a service is told from outside, read once, checked, and refused in one clear sentence."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from servicekit.errors import Misconfigured
from servicekit.profile import Profile, read_profile

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE_BYTES: Final = 1024 * 1024
ENTRY: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
URL: Final = re.compile(r"http://(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+):\d{1,5}")
BUILD_TEXTS: Final = ("service", "machine", "family", "git_sha", "tag", "input_digest")


@dataclass(frozen=True)
class Spec:
    """The part of service.toml that decides at run time."""

    name: str
    entry: str
    workers: int | str = 1
    max_body_kb: int = 1024
    pids: int = 64
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Address:
    """Where a peer listens, as this container reaches it."""

    url: str
    health_url: str


Peers = Mapping[str, Mapping[str, Address]]


@dataclass(frozen=True)
class Settings:
    folder: Path
    spec: Spec
    build: Mapping[str, Any]
    profile: Profile = field(default_factory=dict)
    peers: Peers = field(default_factory=dict)
    bind: str = "127.0.0.1"
    state_dir: Path = Path("/state")
    run_dir: Path = Path("/run/dockwright")
    secrets_dir: Path = Path("/run/secrets")
    sbom: Path = Path("/etc/dockwright/sbom.json")

    @property
    def workers(self) -> int:
        """How many worker processes; the profile's number is a ceiling that no service exceeds."""
        ceiling = int(self.profile.get("UVICORN_WORKERS", 1))
        return ceiling if self.spec.workers == "profile" else min(int(self.spec.workers), ceiling)

    @property
    def threads(self) -> int:
        """How many threads run blocking code; the container's limit of processes and threads holds all of them."""
        return max(2, min(32, self.spec.pids // 4 // self.workers))


def load(folder: Path, environ: Mapping[str, str]) -> Settings:
    """Raises Misconfigured."""

    def path(name: str, default: str) -> Path:
        return Path(environ.get(f"DOCKWRIGHT_{name}") or default)

    spec = read_spec(folder / "service.toml")
    build = read_build(path("BUILD", "/etc/dockwright/build.json"))
    if build["service"] != spec.name:
        raise Misconfigured(f"the image was built for {build['service']}, service.toml is of {spec.name}")
    return Settings(
        folder=folder,
        spec=spec,
        build=build,
        profile=read_profile(path("PROFILE", "/etc/machine-profile.json")),
        peers=parse_peers(environ.get("DOCKWRIGHT_PEERS") or "{}"),
        bind=environ.get("DOCKWRIGHT_BIND") or "0.0.0.0",  # noqa: S104 - a container's own network
        state_dir=path("STATE_DIR", "/state"),
        run_dir=path("RUN_DIR", "/run/dockwright"),
        secrets_dir=path("SECRETS_DIR", "/run/secrets"),
        sbom=path("SBOM", "/etc/dockwright/sbom.json"),
    )


def read_object(path: Path, raw: bytes | str | None = None) -> dict[str, Any]:
    """The JSON object in `path` (or in `raw`, which `path` then only names). Raises Misconfigured."""
    try:
        found = json.loads(read_file(path) if raw is None else raw)
    except (ValueError, RecursionError) as error:
        raise Misconfigured(f"{path}: not JSON: {error}") from error
    if not isinstance(found, dict):
        raise Misconfigured(f"{path}: not a JSON object")
    return found


def read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES + 1)
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror or error}") from error
    if len(raw) > FILE_BYTES:
        raise Misconfigured(f"{path}: larger than {FILE_BYTES} bytes")
    return raw


def read_spec(path: Path) -> Spec:
    try:
        found = tomllib.loads(read_file(path).decode())
    except ValueError as error:
        raise Misconfigured(f"{path}: not TOML: {error}") from error
    known = {key: found[key] for key in Spec.__dataclass_fields__ if key in found}
    for key in ("name", "entry"):
        if not isinstance(known.get(key), str):
            raise Misconfigured(f"{path}: {key} is missing or not a text")
    if not ENTRY.fullmatch(known["entry"]):
        raise Misconfigured(f'{path}: entry is not "module:factory": {known["entry"]!r}')
    if known.get("workers") != "profile":
        _whole(path, known, "workers")
    for key in ("max_body_kb", "pids"):
        _whole(path, known, key)
    secrets = known.get("secrets", [])
    if not isinstance(secrets, list) or not all(isinstance(name, str) for name in secrets):
        raise Misconfigured(f"{path}: secrets is not a list of names")
    return Spec(**{**known, "secrets": tuple(secrets)})


def read_build(path: Path) -> dict[str, Any]:
    found = read_object(path)
    for key in BUILD_TEXTS:
        if not isinstance(found.get(key), str) or not found[key]:
            raise Misconfigured(f"{path}: {key} is missing or not a text")
    for key in ("port", "health_port"):
        port = found.get(key)
        if type(port) is not int or not 0 < port < 65536:
            raise Misconfigured(f"{path}: {key} is not a port")
    if found["port"] == found["health_port"]:
        raise Misconfigured(f"{path}: port and health_port are the same")
    return found


def parse_peers(raw: str) -> Peers:
    name = Path("DOCKWRIGHT_PEERS")
    peers: dict[str, dict[str, Address]] = {}
    for service, machines in read_object(name, raw).items():
        if not isinstance(machines, dict):
            raise Misconfigured(f"{name}: {service} is not an object of machines")
        peers[service] = {machine: _address(f"{name}: {service} on {machine}", at) for machine, at in machines.items()}
    return peers


def _address(where: str, found: object) -> Address:
    texts = [found.get(key) if isinstance(found, dict) else None for key in ("url", "health_url")]
    for text in texts:
        if not isinstance(text, str) or not URL.fullmatch(text) or not 0 < int(text.rpartition(":")[2]) < 65536:
            raise Misconfigured(f"{where}: url and health_url must both be http://host:port, found {text!r}")
    return Address(*map(str, texts))


def _whole(path: Path, found: dict[str, Any], key: str) -> None:
    if key in found and (type(found[key]) is not int or found[key] < 1):
        raise Misconfigured(f"{path}: {key} is not a whole number from 1 up")
