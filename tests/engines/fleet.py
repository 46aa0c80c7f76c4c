"""A whole fleet for tests: the tool's verbs as its user types them, and what can be asked of what runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

from dockwright.engine.docker import Docker

ROOT = Path(__file__).resolve().parents[2]
SLICE = {
    "ServiceRegistry": (7200, 8200),
    "UnifiedObservabilityCenter": (9100, 9110),
    "SystemDigitalTwin": (7220, 8220),
    "SelfHealingSupervisor": (7009, 9008),
    "CentralErrorBus": (7150, 8150),
}


@dataclass
class Fleet:
    """The tool run from a checkout at `root`, with the engine it uses."""

    docker: Docker
    root: Path = ROOT
    environ: Mapping[str, str] = field(default_factory=dict)

    def command(self, *words: str) -> tuple[list[str], dict[str, str]]:
        """A verb's command line and environment."""
        env = {**os.environ, "PYTHONPATH": str(self.root / "src"), **self.environ}
        return [sys.executable, "-m", "dockwright", *words], env

    def run(self, *words: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        argv, env = self.command(*words)
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=timeout, check=False)

    def start(self, *words: str) -> subprocess.Popen[str]:
        argv, env = self.command(*words)
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, env=env, stdout=pipe, stderr=subprocess.STDOUT, text=True, start_new_session=True)

    def up(self, *words: str) -> dict[str, Any]:
        """`up --json`, which must end well."""
        done = self.run("up", "--json", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def status(self) -> dict[str, Any]:
        done = self.run("status", "--json")
        found: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"stderr": done.stderr, "well": False}
        return found

    def well(self) -> bool:
        return bool(self.status()["well"])

    def state_of(self, service: str) -> str:
        rows = {row["service"]: row for row in self.status()["instances"]}
        return str(rows[service]["state"])

    def inspect(self, service: str) -> dict[str, Any]:
        found = self.docker.inspect("container", [container(service)])
        assert found, f"{service} has no container"
        return found[0]

    def worker(self, service: str) -> int:
        """The process of a service on this host: the child of its container's init; 0 when it does not run."""
        init = int(self.inspect(service)["State"]["Pid"])
        if not init:
            return 0
        children = Path(f"/proc/{init}/task/{init}/children")
        words = children.read_text().split() if children.exists() else []
        return int(words[0]) if words else 0


def container(service: str) -> str:
    return "dockwright-" + "".join("-" + c.lower() if c.isupper() else c for c in service).lstrip("-")


def get(service: str, path: str, *, health: bool = False) -> Any:
    """A GET to a service of the slice, its JSON answer; None when it does not answer or not with 200."""
    port = SLICE[service][1 if health else 0]
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            content = answer.read()
    except (OSError, HTTPException):
        return None
    try:
        return json.loads(content)
    except ValueError:
        return content.decode()
