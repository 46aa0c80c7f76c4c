"""Credentials as Docker's own client keeps them: config.json, its credential store, its helpers.

They go from there into request headers, and nowhere else.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

from dockwright.errors import DockwrightError, UnreadableInput


@dataclass(frozen=True)
class Credentials:
    """A name and a password or access token."""

    user: str = field(repr=False)
    password: str = field(repr=False)


def credentials(host: str) -> Credentials | None:
    """What `docker login HOST` left on this host; None where nobody is logged in."""
    import docker.auth
    import docker.errors

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # It warns of helpers that are missing, and then raises.
            found = docker.auth.load_config().resolve_authconfig(host)
    except docker.errors.InvalidConfigFile:
        found = None
    except (docker.errors.DockerException, AttributeError, KeyError, TypeError, ValueError):
        # Whatever the helper said may hold what it keeps.
        raise UnreadableInput(
            f"Docker's configuration names credentials for {host} that cannot be read", again(host)
        ) from None
    said = {key.lower(): value for key, value in (found or {}).items() if value}
    if "identitytoken" in said:
        raise DockwrightError(
            f"Docker keeps an identity token for {host}, which only Docker itself can use",
            f"docker login -u USER {host}, with an access token as the password",
        )
    if "username" not in said or "password" not in said:
        return None
    return Credentials(str(said["username"]), str(said["password"]))


def again(host: str) -> str:
    """What to do when a registry does not let us in."""
    return f"docker login {host}"
