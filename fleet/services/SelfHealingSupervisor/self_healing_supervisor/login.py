"""The operator's login to the registry, where one is given: read anew each time, so that a new one is seen."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class Login:
    user: str = field(repr=False)
    password: str = field(repr=False)

    def basic(self) -> str:
        """For the registry, or for the token service that it names."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def docker(self, host: str) -> str:
        """For an engine, which logs in for one pull."""
        said = {"username": self.user, "password": self.password, "serveraddress": host}
        return base64.urlsafe_b64encode(json.dumps(said).encode()).decode()


def read(path: Path) -> Login | None:
    """Blocking. None where there is none, or none that can be read."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(BYTES))
        return Login(str(found["username"]), str(found["password"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
