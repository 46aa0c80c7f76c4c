"""Names that the fleet's containers carry, and where this machine's files and sockets lie."""

from __future__ import annotations

import os
import re
from pathlib import Path

FLEET_LABEL = "io.dockwright.fleet"
FLEET = "dockwright"
SERVICE_LABEL = "io.dockwright.service"
ROLE_LABEL = "io.dockwright.role"
MACHINE_LABEL = "io.dockwright.machine"
INSTANCE = "instance"
DEPLOY_LOCK = "dockwright-deploy-lock"  # a network of the engine, there while somebody deploys to this machine
FORCED_LABELS = (f"{FLEET_LABEL}={FLEET}", f"{ROLE_LABEL}={INSTANCE}")

CONTAINER_NAME = re.compile(r"dockwright-[a-z0-9]+(?:-[a-z0-9]+)*")
CONTAINER_ID = re.compile(r"[0-9a-f]{64}")
SERVICE_NAME = re.compile(r"[A-Z][A-Za-z0-9]{1,59}")


def run_dir() -> Path:
    return Path(os.environ.get("DOCKWRIGHT_RUN_DIR", "/run/dockwright"))


def registry_login() -> Path:
    """The operator's login to the registry; given to the supervisor and to its filter, where they need one."""
    return Path(os.environ.get("DOCKWRIGHT_REGISTRY_LOGIN", "/run/registry/login"))


def docker_socket() -> str:
    """The engine's own socket; only the filter is given it."""
    return os.environ.get("DOCKWRIGHT_DOCKER_SOCKET", "/var/run/docker.sock")


def filter_socket() -> str:
    """The socket on which the filter listens and the supervisor asks."""
    return os.environ.get("DOCKWRIGHT_FILTER_SOCKET", "/run/docker-filter/docker.sock")
