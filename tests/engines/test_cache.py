"""A build's cache in a registry: written by a build that asks for it, and taken by the next one that has none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dockwright.engine.docker import Docker
from dockwright.engine.registry.documents import Manifest
from dockwright.engine.registry.repository import Repository
from engines.fleet import Fleet
from engines.registry import Registry

pytestmark = [pytest.mark.engines, pytest.mark.timeout(1800)]
FAMILY = "base-python"


def test_a_build_takes_what_an_earlier_one_has_kept(
    other_engine: Docker, registry: Registry, checkout: Path, tmp_path: Path
) -> None:
    shutil.copytree(checkout, tmp_path / "checkout", symlinks=True)
    environ = {"DOCKER_HOST": other_engine.host, "DOCKWRIGHT_REGISTRY": str(registry.place)}
    fleet = Fleet(other_engine, tmp_path / "checkout", environ)
    repository = Repository(registry.place.below(FAMILY))

    def build() -> str:
        done = fleet.run("build", "--json", FAMILY, timeout=1200)
        assert done.returncode == 0, done.stderr
        (image,) = json.loads(done.stdout)["images"]
        assert image["how"] == "built"
        other_engine.run("image", "rm", "--force", image["digest"])
        other_engine.run("builder", "prune", "--all", "--force")
        return str(image["digest"])

    declared = tmp_path / "checkout" / "fleet" / "families" / FAMILY / "family.toml"
    declared.write_text(f'name = "{FAMILY}"\n')
    first = build()
    assert repository.tags() == [], "no family keeps a cache unless it says so"
    declared.write_text(f'name = "{FAMILY}"\ncache = "max"\n')
    assert build() == first, "a cache decides nothing"
    assert repository.tags() == ["cache"]
    kept = repository.get("cache")
    assert kept is not None
    assert isinstance(kept.document, Manifest)
    taken = [f"/blobs/{layer.digest}" for layer in kept.document.layers]
    before = sum(registry.requests("GET", path) for path in taken)
    assert build() == first
    assert sum(registry.requests("GET", path) for path in taken) > before
