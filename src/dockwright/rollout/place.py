"""Where a rollout keeps its files on this host: the compose file, what is desired, secrets, the record."""

from __future__ import annotations

import os
import secrets
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dockwright.engine.state import dumps, locked, read_json, state_dir, write_atomically
from dockwright.errors import UnreadableInput

APPUSER = 10001
LOOPBACK = "127.0.0.1"
TOKEN = "fleet-token"  # noqa: S105 - a file's name


@dataclass(frozen=True)
class Place:
    """The files of what runs on this host, all below one folder."""

    home: Path

    @property
    def compose(self) -> Path:
        return self.home / "compose.yaml"

    @property
    def run(self) -> Path:
        """Bound read-only into containers that ask for what is desired."""
        return self.home / "run"

    @property
    def desired(self) -> Path:
        return self.run / "desired.json"

    @property
    def bodies(self) -> Path:
        """One approved body for each container that the supervisor may create again."""
        return self.run / "instances"

    @property
    def token(self) -> Path:
        return self.home / "secrets" / TOKEN

    @property
    def login(self) -> Path:
        """A registry's login, for the supervisor; in a folder of its own, which nobody else is shown."""
        return self.home / "registry" / "login"

    @property
    def settings(self) -> Path:
        return self.home / "settings.json"

    def bind(self) -> str:
        """Where the last `up` published ports; this host's own loopback at first."""
        return str((read_json(self.settings) or {}).get("bind", LOOPBACK))

    def address(self) -> str:
        """Where this host itself reaches the published ports."""
        return LOOPBACK if self.bind() == "0.0.0.0" else self.bind()  # noqa: S104 - compared, not bound

    def write_bind(self, bind: str) -> None:
        write_atomically(self.settings, dumps({**(read_json(self.settings) or {}), "bind": bind}))

    def prepare(self) -> None:
        """Make the folders and, once, the fleet's token. Nothing that is there is replaced."""
        self.bodies.mkdir(parents=True, exist_ok=True)
        self.token.parent.mkdir(mode=0o700, exist_ok=True)
        if not self.token.is_file():
            write_atomically(self.token, secrets.token_urlsafe(32) + "\n", mode=_secret_mode())
        if os.geteuid() == 0 and self.token.stat().st_uid != APPUSER:
            os.chown(self.token, APPUSER, APPUSER)

    def write_login(self, text: str) -> None:
        """Keep a registry's login for the supervisor, or, for an empty text, none any more."""
        if not text:
            self.login.unlink(missing_ok=True)
            return
        self.login.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(self.login, text, mode=_secret_mode())
        if os.geteuid() == 0:
            os.chown(self.login, APPUSER, APPUSER)

    def alone(self) -> AbstractContextManager[None]:
        """Held while the rollout is changed. Raises DockwrightError while another run of the tool holds it."""
        return locked(self.home / "lock", "another ./dockwright up, down or deploy changes what runs here")

    def read_desired(self) -> dict[str, object] | None:
        """What the last `up` wanted to run here; None when nothing was ever rolled out. Raises UnreadableInput."""
        return read_json(self.desired)

    def told(self) -> list[dict[str, Any]]:
        """The instances that should run here, as rows of what is desired; none when nothing was ever rolled out."""
        found: Any = (self.read_desired() or {}).get("instances")
        return list(found or [])

    def write_desired(self, desired: dict[str, object]) -> None:
        write_atomically(self.desired, dumps(desired))

    def read_bodies(self) -> dict[str, dict[str, Any]]:
        """Container -> its approved body. One that is not whole is left out: the supervisor would refuse it too."""
        found: dict[str, dict[str, Any]] = {}
        for path in sorted(self.bodies.glob("*.json")):
            with suppress(UnreadableInput):
                body = read_json(path)
                if body is not None:
                    found[path.stem] = body
        return found

    def write_bodies(self, bodies: dict[str, dict[str, object]]) -> None:
        """Replace the approved bodies: those of containers that are no longer wanted go."""
        for name, body in bodies.items():
            path, text = self.bodies / f"{name}.json", dumps(body)
            if not path.is_file() or path.read_bytes() != text.encode():  # Each write waits for the disk.
                write_atomically(path, text)
        for path in self.bodies.glob("*.json"):
            if path.stem not in bodies:
                path.unlink()


def _secret_mode() -> int:
    """Only the services' user reads a secret; who is not root cannot give it away, and keeps its folder closed."""
    return 0o400 if os.geteuid() == 0 else 0o444


def here() -> Place:
    """The place of this host's rollout."""
    return Place(state_dir() / "rollout")
