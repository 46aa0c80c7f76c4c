"""Small programs of a test's own, to stand where a machine under test might have others."""

from __future__ import annotations

from pathlib import Path

BUILDX, COMPOSE = "github.com/docker/buildx 0.13.1 0.13.1+ds1", "Docker Compose version 2.26.1-4"


def program(folder: Path, name: str, script: str) -> Path:
    """An executable shell script."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def client(folder: Path, *, buildx: str = BUILDX, compose: str = COMPOSE, server: str = "") -> Path:
    """A docker client that knows its plugins' versions and hears from one server, or from none."""
    answer = f"printf '%s\\n' '{server}'" if server else "echo 'Cannot connect to the Docker daemon' >&2; exit 1"
    script = f"""case "$1" in
    buildx) {_says(buildx)} ;;
    compose) {_says(compose)} ;;
    version) {answer} ;;
    info) echo '[["driver-type","io.containerd.snapshotter.v1"]]' ;;
    context) echo "$FAKE_CONTEXT" ;;
    *) exit 64 ;;
esac"""
    return program(folder, "docker", script)


def _says(version: str) -> str:
    return f"echo '{version}'" if version else "echo \"docker: 'plugin' is not a docker command\" >&2; exit 1"
