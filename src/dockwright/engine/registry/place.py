"""Where a fleet's images and artifacts are kept: a registry's host, and the path that all repositories share."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dockwright.errors import UsageError

HOST = re.compile(r"(?P<name>localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(?::\d{1,5})?", re.IGNORECASE)
VARIABLE = "DOCKWRIGHT_REGISTRY"
CERTIFICATES = Path("/etc/docker/certs.d")  # where Docker keeps what it trusts, a folder for each registry
PATH = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")


@dataclass(frozen=True)
class Place:
    """`ghcr.io/dockwright`: host and path; `127.0.0.1:5000` has no path."""

    host: str
    path: str

    def __str__(self) -> str:
        return f"{self.host}/{self.path}" if self.path else self.host

    @property
    def loopback(self) -> bool:
        """Whether it is on this host: only there may a registry do without TLS."""
        found = HOST.fullmatch(self.host)
        name = found["name"].strip("[]") if found else ""
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return name.lower() == "localhost"

    def below(self, name: str) -> Place:
        """The repository `name`. Raises UsageError for what is no repository's name."""
        path = f"{self.path}/{name}" if self.path else name
        if not PATH.fullmatch(path) or len(path) > 255:
            raise UsageError(f"no repository can be called {path!r}")
        return Place(self.host, path)


def parse(text: str) -> Place:
    """`HOST[:PORT][/PATH]`. Raises UsageError for anything else."""
    host, slash, path = text.partition("/")
    named = HOST.fullmatch(host) and (host == "localhost" or "." in host or ":" in host)
    if not named or (slash and not PATH.fullmatch(path)):
        raise UsageError(
            f"{text!r} names no registry", "HOST[:PORT]/PATH, such as ghcr.io/dockwright or 127.0.0.1:5000"
        )
    return Place(host, path)


def named(option: str | None, environ: Mapping[str, str] = os.environ) -> Place | None:
    """The registry that the user names: `--registry`, else `$DOCKWRIGHT_REGISTRY`; None where nobody names one."""
    text = option or environ.get(VARIABLE)
    return parse(text) if text else None
