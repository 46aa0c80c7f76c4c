"""Every implemented service, each started once as its own process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from openapi import folders
from running import Running, start_service

DESIRED = Path(__file__).parent / "desired.json"


@dataclass(frozen=True)
class Operation:
    method: str
    path: str  # with its parameters replaced by something
    body: str  # the media type of its body, or empty
    guarded: bool

    @classmethod
    def of(cls, document: dict[str, Any]) -> list[Operation]:
        return [
            cls(
                method,
                _filled(template),
                next(iter(found.get("requestBody", {}).get("content", {})), ""),
                bool(found.get("security")),
            )
            for template, methods in document["paths"].items()
            for method, found in methods.items()
            if isinstance(found, dict)
        ]


def _filled(template: str) -> str:
    return "/".join("x" if "{" in part else part for part in template.split("/"))


@pytest.fixture(scope="module", params=folders(), ids=lambda folder: folder.name)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = request.param
    with start_service(
        folder, tmp_path_factory.mktemp(folder.name), run_files={"desired.json": DESIRED.read_text()}
    ) as running:
        yield running


@pytest.fixture
def operations(service: Running) -> list[Operation]:
    return Operation.of(service.ask("GET", "/openapi.json").json())
