"""What a release is made of, beyond what a real engine shows: refusals, and engines that know no manifests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from release.made import SHA, digest

from dockwright.build.origin import Origin
from dockwright.build.store import Stored
from dockwright.engine.docker import Docker
from dockwright.errors import DockwrightError, EngineUnavailable
from dockwright.release import create

IMAGES = [
    Stored(digest(word), f"registry.example/fleet/{word}:20261124-{SHA[:12]}", SHA, "", digest("i")) for word in "ab"
]


def engine(folder: Path, store: str, found: list[dict[str, Any]]) -> Docker:
    """A client that answers `image inspect` with what an engine has said."""
    program = folder / "docker"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(found)}\nEND\n")
    program.chmod(0o755)
    return Docker(program, "unix:///nonexistent/recorded.sock", image_store=store)


def test_where_an_image_is_known_by_its_manifest_that_is_its_digest(tmp_path: Path) -> None:
    known = create.manifests(engine(tmp_path, "containerd", []), IMAGES)
    assert known == {image.digest: image.digest for image in IMAGES}


def test_elsewhere_the_registry_has_told_it(tmp_path: Path) -> None:
    pushed = [{"Id": one.digest, "RepoDigests": [f"127.0.0.1:5000/x@{digest('m' + one.digest)}"]} for one in IMAGES]
    known = create.manifests(engine(tmp_path, "graph driver", pushed), IMAGES)
    assert known == {image.digest: digest("m" + image.digest) for image in IMAGES}
    pushed[1]["RepoDigests"] = []
    with pytest.raises(EngineUnavailable, match=r"knows no manifest of registry\.example/fleet/b") as told:
        create.manifests(engine(tmp_path, "graph driver", pushed), IMAGES)
    assert "containerd-snapshotter" in told.value.remedy


def test_only_a_commit_can_be_released() -> None:
    create.refuse_dirty(Origin(SHA, False, "20261124"))
    with pytest.raises(DockwrightError, match="changes that no commit has"):
        create.refuse_dirty(Origin(SHA, True, "20261124"))
    with pytest.raises(DockwrightError, match="no git checkout"):
        create.refuse_dirty(Origin("unknown", True, "20261124"))


def test_of_many_images_that_are_missing_a_few_are_named() -> None:
    assert str(create.not_built(["a", "b"])) == "not built from this commit: a, b"
    assert str(create.not_built([*"abcdefgh"])) == "not built from this commit: a, b, c, d, e, f and 2 more"


def test_locks_are_known_by_their_content(tmp_path: Path) -> None:
    for name in (
        "fleet/roots/a.lock",
        "fleet/families/b/apt.lock",
        "fleet/services/C/requirements.lock",
        "fleet/blueprint.lock",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    found = create.locks(tmp_path / "fleet")
    assert found == {
        name: digest(name)
        for name in ("fleet/families/b/apt.lock", "fleet/roots/a.lock", "fleet/services/C/requirements.lock")
    }
