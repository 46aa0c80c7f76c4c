"""A Docker engine that answers, and the client that talks to it."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import IO

from dockwright.engine import command
from dockwright.engine.ssh import Link
from dockwright.errors import CommandFailed, EngineUnavailable, Unreachable

# Docker 25 (API 1.44) brings the health start interval and a containerd image store that can be built on;
# buildx 0.12 and compose 2.20 are the first with every flag that is used here.
MIN_API = (1, 44)
MIN_BUILDX = (0, 12)
MIN_COMPOSE = (2, 20)


@dataclass(frozen=True)
class Docker:
    """A client program and the engine that it talks to (`host` as in DOCKER_HOST).

    `environment`: what the client needs to reach it. `patience`: seconds that the engine has for an answer. `link`: the
    connection through which it is reached, where one is needed.
    """

    program: Path
    host: str
    api: tuple[int, int] = (0, 0)
    engine_version: str = ""
    image_store: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    patience: float = 120
    link: Link | None = None

    def env(self) -> dict[str, str]:
        # Otherwise buildx keeps an image without a name of each target that only others build on.
        quiet = {"DOCKER_CLI_HINTS": "false", "BUILDX_NO_DEFAULT_LOAD": "1"}
        return {"DOCKER_HOST": self.link.host() if self.link else self.host, **quiet, **self.environment}

    def run(self, *words: str, stdin: str | None = None, timeout: float = 0, check: bool = True) -> str:
        """Run `docker WORDS` and return what it wrote. Raises CommandFailed, EngineUnavailable."""
        seconds = timeout or self.patience
        done = command.run((self.program, *words), env=self.env(), stdin=stdin, timeout=seconds, check=False)
        if not done.ok and self.is_gone(done.stderr):
            raise EngineUnavailable(f"the Docker engine at {self.host} does not answer", "run ./dockwright up again")
        if check and not done.ok:
            raise command.failure(done)
        return done.stdout

    def stream(
        self,
        *words: str,
        on_line: Callable[[str], None],
        stdin: str | None = None,
        timeout: float | None = None,
        check: bool = True,
    ) -> int:
        argv: tuple[str | Path, ...] = (self.program, *words)
        return command.stream(argv, on_line, env=self.env(), stdin=stdin, timeout=timeout, check=check)

    def output(self, *words: str) -> AbstractContextManager[IO[bytes]]:
        """What `docker WORDS` writes, as bytes and as it comes."""
        return command.output((self.program, *words), env=self.env())

    def send_image(self, reference: str, to: Docker) -> None:
        """Copy an image into another engine, through this host. Raises CommandFailed, EngineUnavailable."""
        save, load = (self.program, "save", reference), (to.program, "load", "--quiet")
        try:
            command.pipe(save, load, source_env=self.env(), target_env=to.env())
        except CommandFailed as error:
            if to.is_gone(error.output):
                raise EngineUnavailable(f"the engine at {to.host} went away while it was sent an image") from error
            raise

    def json_lines(self, *words: str, check: bool = True) -> list[dict[str, object]]:
        """The JSON objects that a `--format json` command prints, one a line."""
        return [json.loads(line) for line in self.run(*words, check=check).splitlines() if line.strip()]

    def inspect(self, kind: str, names: list[str]) -> list[dict[str, object]]:
        """`docker KIND inspect`; names that do not exist are left out."""
        if not names:
            return []
        found = json.loads(self.run(kind, "inspect", *names, check=False) or "[]")
        return [entry for entry in found if isinstance(entry, dict)]

    def logs(self, container: str, lines: int) -> list[str]:
        """The last lines that a container wrote, on either stream, the oldest first."""
        done = command.run((self.program, "logs", "--tail", str(lines), container), env=self.env(), check=False)
        return [*done.stdout.splitlines(), *done.stderr.splitlines()][-lines:]

    def is_gone(self, complaint: str) -> bool:
        """Whether a client complained because no engine answered it."""
        silent = "Cannot connect to the Docker daemon" in complaint or "error during connect" in complaint
        return silent or (self.link is not None and self.link.lost)

    @property
    def socket(self) -> Path | None:
        """The engine's UNIX socket; None when it is reached in another way."""
        return Path(self.host.removeprefix("unix://")) if self.host.startswith("unix://") else None


def clients() -> list[Path]:
    """Every `docker` program on PATH and where packages put it, nearest first."""
    folders = [*os.environ.get("PATH", "").split(os.pathsep), "/usr/bin", "/usr/local/bin"]
    found = [Path(path) for folder in folders if folder and (path := shutil.which("docker", path=folder))]
    return list(dict.fromkeys(found))


def version_of(text: str) -> tuple[int, int]:
    """The first `major.minor` in a program's version line; (0, 0) when there is none."""
    match = re.search(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def plugin_version(client: Path, plugin: str) -> tuple[int, int]:
    """The version of a client's plugin (`buildx`, `compose`); (0, 0) when it has none."""
    try:
        done = command.run((client, plugin, "version"), timeout=20, check=False)
    except CommandFailed:
        return (0, 0)
    return version_of(done.stdout) if done.ok else (0, 0)


def capable_client() -> Path | None:
    """The first client whose buildx and compose are new enough: a bare client may shadow the packaged one."""
    with ThreadPoolExecutor(2) as pool:
        for client in clients():
            buildx, compose = pool.map(partial(plugin_version, client), ("buildx", "compose"))
            if buildx >= MIN_BUILDX and compose >= MIN_COMPOSE:
                return client
    return None


def connect(
    client: Path,
    host: str,
    environment: Mapping[str, str] | None = None,
    patience: float = 20,
    link: Link | None = None,
) -> Docker | None:
    """The engine at `host` as the client sees it, API version negotiated; None when nothing answers there."""
    found = Docker(client, host, environment=environment or {}, link=link)
    asked = partial(command.run, env=found.env(), timeout=patience, check=False)
    try:
        with ThreadPoolExecutor(1) as pool:
            told = pool.submit(asked, (client, "info", "--format", "{{json .DriverStatus}}"))
            done = asked((client, "version", "--format", "{{json .Server}}"))
            info = told.result()
        server = json.loads(done.stdout) if done.ok else None
    except (ValueError, Unreachable):
        return None
    if not isinstance(server, dict):
        return None
    store = "containerd" if "io.containerd.snapshotter" in info.stdout else "graph driver"
    return replace(
        found,
        api=version_of(str(server.get("ApiVersion", ""))),
        engine_version=str(server.get("Version", "")),
        image_store=store,
    )
