"""Which families keep a build cache in a registry, and what bake is told of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from build.small import checkout, planned

from dockwright.build import cache
from dockwright.engine.docker import Docker
from dockwright.engine.registry.place import Place
from dockwright.spec.load import load_fleet

PLACE = Place("127.0.0.1:5000", "fleet")


def modes(root: Path, store: str, said: list[str]) -> dict[str, str]:
    docker = Docker(Path("docker"), "unix:///x", image_store=store)
    return cache.modes(docker, load_fleet(root / "fleet"), planned(root), said.append)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return checkout(tmp_path)


def declare(root: Path, family: str, mode: str) -> None:
    (root / "fleet" / "families" / family / "family.toml").write_text(f'name = "{family}"\ncache = "{mode}"\n')


def test_no_family_keeps_a_cache_unless_it_says_so(root: Path) -> None:
    said: list[str] = []
    assert modes(root, "containerd", said) == {}
    declare(root, "family-web", "max")
    declare(root, "base-utils", "min")
    declare(root, "base-python", "off")
    assert modes(root, "containerd", said) == {"family-web": "max", "base-utils": "min"}
    assert said == []
    assert modes(root, "graph driver", said) == {}
    assert "keeps no caches in registries" in said[0]


@pytest.mark.parametrize("maker", ["family-web", "family-web_contents"])
def test_the_target_of_the_familys_own_dockerfile_reads_and_writes_it(maker: str) -> None:
    targets = {name: {"tags": [name]} for name in {maker, "family-web", "other"}}
    made: dict[str, Any] = cache.kept({"target": targets, "group": 1}, PLACE, {"family-web": "max"})
    reference = "type=registry,ref=127.0.0.1:5000/fleet/family-web:cache"
    assert made["target"][maker]["cache-from"] == [reference]
    (to,) = made["target"][maker]["cache-to"]
    assert to.startswith(f"{reference},mode=max,")
    assert [name for name, target in made["target"].items() if "cache-to" in target] == [maker]
    assert "cache-to" not in targets[maker]
