"""Services of tests, started as real processes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from running import Running, start_service

APPS = Path(__file__).parent / "apps"
TRIED = APPS / "Tried"


Variant = Callable[..., Path]


@pytest.fixture
def variant(tmp_path: Path) -> Variant:
    """A copy of a test service with other values in its service.toml."""

    def copied(app: Path = TRIED, **changed: Any) -> Path:
        copy = tmp_path / "app" / app.name
        shutil.copytree(app, copy, ignore=shutil.ignore_patterns("__pycache__"))
        declared = (app / "service.toml").read_text().splitlines()
        kept = [line for line in declared if line.partition(" = ")[0] not in changed]
        added = [f"{key} = {json.dumps(value)}" for key, value in changed.items() if value is not None]
        (copy / "service.toml").write_text("\n".join([*kept, *added]) + "\n")
        return copy

    return copied


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One service for all tests of a module that leave it as it was."""
    with start_service(TRIED, tmp_path_factory.mktemp("tried")) as running:
        yield running
