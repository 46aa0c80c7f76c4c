"""machines.toml: where each machine's engine is reached and where its services answer; outside the frozen tables.

The repository's file is fleet/machines.toml; a user's own file replaces it machine by machine.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import Field, RootModel, ValidationError

from dockwright.spec import document, words
from dockwright.spec.declared import Declared, Name
from dockwright.spec.finding import Finding, SpecError
from dockwright.spec.names import did_you_mean

FILE = "machines.toml"
LOCAL = "local"
HOST = r"([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[?[0-9A-Fa-f:]{2,45}\]?)"

Engine = Annotated[
    str,
    Field(
        pattern=rf"^(local|unix:///[^\x00-\x1f]+|ssh://([A-Za-z_][\w.-]*@)?{HOST}(:\d{{1,5}})?|tcp://{HOST}:\d{{1,5}})$",
    ),
]
Host = Annotated[str, Field(pattern=rf"^{HOST}$", description="an IP address or a DNS name")]


class Address(Declared):
    """One machine. Without `host` it is alone: nothing on another machine can call it."""

    engine: Engine = Field(description='its Docker engine: "local", unix:///path, ssh://user@host or tcp://host:port')
    host: Host | None = Field(None, description="where the other machines, and this one, reach its published ports")
    bind: str = Field(
        "", pattern=r"^[0-9A-Fa-f.:]{0,45}$", description="the address on which it publishes ports; `host` when empty"
    )
    certificates: str = Field(
        "", max_length=4096, description="for tcp://: the folder with ca.pem, cert.pem and key.pem"
    )
    socket: str = Field(
        "/var/run/docker.sock",
        pattern=r"^/[^\x00-\x1f]*$",
        description="the engine's socket there, for ssh:// and the supervisor's filter; a local engine's own is found",
    )

    follow: str = Field(
        "",
        pattern=r"^(release|\d{8}-[0-9a-f]{12}(-[1-9]\d*)?)?$",
        description='"release": its supervisor brings newly tagged releases by itself; or the name of one; empty: none',
    )
    registry: str = Field(
        "",
        max_length=300,
        description="where its supervisor finds releases and images, HOST[:PORT]/PATH; the fleet's own when empty",
    )

    login: bool = Field(
        False,
        description="whether its supervisor gets this host's own login to that registry, as `docker login` left it",
    )

    @property
    def local(self) -> bool:
        return self.engine == LOCAL


class MachinesFile(RootModel[dict[Name, Address]]):
    """machines.toml as a whole, for its schema."""


def user_file(environ: Mapping[str, str] = os.environ) -> Path:
    """`$DOCKWRIGHT_MACHINES`, else `$XDG_CONFIG_HOME/dockwright/machines.toml`, else below ~/.config."""
    own = environ.get("DOCKWRIGHT_MACHINES")
    if own:
        return Path(own).absolute()
    home = environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "dockwright" / FILE


def load_addresses(folder: Path, machines: Collection[str], own: Path) -> dict[str, Address]:
    """Machine -> its address, of the machines that have one. `own`: the user's file.

    Raises SpecError with everything that is wrong in both files.
    """
    found: dict[str, Address] = {}
    findings: list[Finding] = []
    for path, shown in ((folder / FILE, f"{folder.resolve().name}/{FILE}"), (own, str(own))):
        if path.exists():
            read, wrong = _read(path, shown, machines)
            found |= read
            findings += wrong
    if findings:
        raise SpecError(findings)
    return {name: found[name] for name in machines if name in found}


def _read(path: Path, shown: str, machines: Collection[str]) -> tuple[dict[str, Address], list[Finding]]:
    try:
        table = document.read(path, shown)
    except SpecError as error:
        return {}, list(error.findings)
    found: dict[str, Address] = {}
    findings: list[Finding] = []
    for name, row in table.items():
        line = table.document.line((name,))
        if name not in machines:
            says = f"there is no machine '{name}'{did_you_mean(name, machines)}"
            findings.append(Finding("address", "error", name, shown, line, says))
        elif not isinstance(row, document.Table):
            findings.append(Finding("address", "error", name, shown, line, "expected a table"))
        else:
            try:
                found[name] = Address.model_validate(row)
            except ValidationError as error:
                findings += [replace(one, path=f"{name}.{one.path}") for one in words.findings(error, Address, row)]
    return found, findings + [each for name, one in found.items() for each in _unfit(name, one)]


def _unfit(name: str, address: Address) -> list[Finding]:
    """What an address says that does not go together."""
    found: list[tuple[str, str]] = []
    if address.engine.startswith("tcp://") and not address.certificates:
        found.append(
            ("engine", "needs `certificates`: an open Docker port gives the machine to everybody who reaches it")
        )
    if address.certificates and not address.engine.startswith("tcp://"):
        found.append(("certificates", "are for tcp:// only"))
    if not address.local and address.host is None:
        found.append(("host", "is missing: a machine elsewhere is asked for its health at this address"))
    return [Finding("address", "error", f"{name}.{key}", address.file, address.line(key), says) for key, says in found]
