"""Services of tests, started as real processes, on this Python and, where it is installed, on the legacy family's."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from running import Running, start_service

HERE = Path(__file__).parent
TRIED = HERE / "apps" / "Tried"
Variant = Callable[..., Path]


@pytest.fixture
def variant(tmp_path: Path) -> Variant:
    """A copy of a test service with other values in its service.toml."""

    def copied(app: Path = TRIED, **changed: Any) -> Path:
        copy = tmp_path / "app" / app.name
        shutil.copytree(app, copy, ignore=shutil.ignore_patterns("__pycache__"))
        declared = (app / "service.toml").read_text().splitlines()
        kept = [line for line in declared if line.partition(" = ")[0] not in changed]
        added = [f"{key} = {json.dumps(value)}" for key, value in changed.items()]
        (copy / "service.toml").write_text("\n".join([*kept, *added]) + "\n")
        return copy

    return copied


def python310() -> str | None:
    """A Python 3.10 of this machine."""
    installed = sorted(Path.home().glob(".pyenv/versions/3.10*/bin/python"))
    for python in ("python3.10", *map(str, installed)):
        command = [python, "-c", "import sys; sys.exit(sys.version_info[:2] != (3, 10))"]
        try:
            if subprocess.run(command, capture_output=True, timeout=30).returncode == 0:
                return python
        except OSError:
            continue
    return None


@pytest.fixture(scope="session")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python 3.10 with pydantic 1 and FastAPI 0.110.0, from a lock with hashes."""
    python = python310()
    if python is None:
        pytest.skip("NOT RUN: no Python 3.10 on this machine, neither on PATH nor from pyenv")
    home = tmp_path_factory.mktemp("legacy") / "venv"
    made, uv = str(home / "bin" / "python"), str(Path(sys.executable).with_name("uv"))
    lock = str(HERE / "legacy.lock")
    subprocess.run([uv, "venv", "--quiet", "--python", python, str(home)], check=True, timeout=60)
    subprocess.run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", made, lock], check=True, timeout=300)
    return made


@pytest.fixture(scope="module", params=["this-python", "legacy"])
def tried(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One service for all tests of a module that leave it as it was."""
    python = request.getfixturevalue("legacy") if request.param == "legacy" else sys.executable
    with start_service(TRIED, tmp_path_factory.mktemp("tried"), python=python) as running:
        yield running
