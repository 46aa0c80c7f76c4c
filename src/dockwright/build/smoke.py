"""Runs smoke tests inside built images, each image in one container that is confined as every instance is."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from dockwright.build import inside
from dockwright.build.outcomes import Outcome, outcomes
from dockwright.build.suites import Suite
from dockwright.engine.docker import Docker
from dockwright.errors import CommandFailed

SECONDS = 300.0
# Sets the image's own label aside: nothing that looks for instances may take this container for one.
CONFINED = (
    "--interactive",
    "--pull=never",
    "--label=io.dockwright.role=smoke",
    "--no-healthcheck",
    "--network=none",
    "--read-only",
    "--tmpfs=/tmp:size=64m,mode=1777,noexec,nosuid,nodev",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--pids-limit=1024",
)


@dataclass(frozen=True)
class Smoked:
    """One image, and what came of its tests."""

    name: str
    reference: str
    outcomes: tuple[Outcome, ...]
    seconds: float

    def count(self, result: str) -> int:
        return sum(outcome.result == result for outcome in self.outcomes)


def words(container: str, reference: str, *, cards: bool) -> tuple[str, ...]:
    """The command that runs the tests: they come through standard input, so the engine may be on another machine."""
    source = Path(inside.__file__).read_text(encoding="utf-8")
    shown = ("--gpus=all",) if cards else ()
    return ("run", f"--name={container}", *CONFINED, *shown, reference, "python3", "-c", source)


def has_runtime_for_cards(docker: Docker) -> bool:
    """Whether an engine can hand NVIDIA cards to containers."""
    return "nvidia" in json.loads(docker.run("info", "--format", "{{json .Runtimes}}"))


def smoke(docker: Docker, name: str, reference: str, suite: Suite, *, cards: bool) -> Smoked:
    """Run the tests of one image. A container that cannot start, or breaks, is a failure of its tests."""
    container = f"dockwright-smoke-{secrets.token_hex(6)}"
    asked = json.dumps({"files": suite.files, "tests": suite.tests, "seconds": SECONDS})
    limit = SECONDS * len(suite.tests) + 60
    began = time.monotonic()
    try:
        said = docker.run(*words(container, reference, cards=cards), stdin=asked, timeout=limit)
        found = outcomes(said.splitlines(), suite.tests)
    except CommandFailed as error:
        broken = Outcome("the container", "failed", error.output, 0.0)
        found = (*outcomes(error.output.splitlines(), ()), broken)
    finally:
        docker.run("rm", "--force", "--volumes", container, check=False)
    return Smoked(name, reference, found, time.monotonic() - began)
