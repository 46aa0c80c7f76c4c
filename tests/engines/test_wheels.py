"""The wheels of a lock, kept in a registry, and installed from there on an engine that reaches no package index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dockwright.build import wheelhouse
from dockwright.engine.docker import Docker
from dockwright.engine.registry import artifact, documents
from dockwright.engine.registry.artifact import Artifact, File
from dockwright.engine.registry.repository import Repository
from engines.conftest import Running
from engines.fleet import Fleet
from engines.registry import Registry

pytestmark = [pytest.mark.engines, pytest.mark.timeout(900)]
FAMILY = "base-cpu-pydeps"
NO_INDEX = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}


@pytest.fixture
def elsewhere(other_engine: Docker, registry: Registry, checkout: Path) -> Fleet:
    """The tool on an engine that has nothing, with a registry and without any index."""
    environ = {"DOCKER_HOST": other_engine.host, "DOCKWRIGHT_REGISTRY": str(registry.place), **NO_INDEX}
    return Fleet(other_engine, checkout, environ)


def wheels_of(registry: Registry) -> tuple[Repository, str, Artifact]:
    repository = Repository(registry.place.below("wheels"))
    (tag,) = repository.tags()
    found = artifact.look(repository, tag)
    assert found is not None
    return repository, tag, found


def build(fleet: Fleet) -> dict[str, Any]:
    done = fleet.run("build", "--json", FAMILY)
    assert done.returncode == 0, done.stderr
    return {one["name"]: one for one in json.loads(done.stdout)["images"]}


def layers(fleet: Fleet, images: dict[str, Any]) -> dict[str, Any]:
    """Of each image; another test of this run may have built one before, from another commit."""
    found = fleet.docker.inspect("image", [one["reference"] for one in images.values()])
    return {name: entry["RootFS"] for name, entry in zip(images, found, strict=True)}


def test_a_family_is_the_same_without_any_index(
    engine: Running, checkout: Path, registry: Registry, elsewhere: Fleet
) -> None:
    here = Fleet(engine.client, checkout)
    first = build(here)
    for words in (("push", "base-utils"), ("push", "--wheels", FAMILY)):
        done = here.run(*words, "--json", "--registry", str(registry.place))
        assert done.returncode == 0, done.stderr
    (told,) = json.loads(done.stdout)["wheels"]
    repository, tag, found = wheels_of(registry)
    assert (told["name"], told["digest"], told["was_there"]) == (FAMILY, found.digest, False)
    assert told["wheels"] == len(wheelhouse.digests(found)) > 10
    lock = checkout / "fleet" / "families" / FAMILY / "requirements.lock"
    assert artifact.read(repository, found, "requirements.lock") == lock.read_bytes()
    again = here.run("push", "--wheels", FAMILY, "--json", "--registry", str(registry.place))
    assert [(one["was_there"], one["moved"]) for one in json.loads(again.stdout)["wheels"]] == [(True, 0)]

    # Nothing is built from what is spoiled. One byte of one wheel changes on the registry's disk...
    name, what = max(found.files.items(), key=lambda pair: pair[1].size)
    blob = registry.blob(what.digest)
    good = blob.read_bytes()
    blob.write_bytes(good[:1000] + bytes([good[1000] ^ 1]) + good[1001:])
    refused(elsewhere, f"the registry {registry.host} gave other content than its digest says")
    blob.write_bytes(good)
    # ... or somebody puts another wheel there, digests and all...
    evil = File(name, good + b"\0", "application/zip")
    others = [File(other, b"".join(repository.chunks(each))) for other, each in found.files.items() if other != name]
    artifact.push(repository, wheelhouse.KIND, [*others, evil], tag=tag)
    refused(elsewhere, f"{repository.named(tag)}: {name} is not the file that {FAMILY}'s lock names")
    # ... or one more, or something that is no wheels at all.
    stranger = File("stranger-1.0-py3-none-any.whl", b"PK")
    artifact.push(repository, wheelhouse.KIND, [*others, File(name, good), stranger], tag=tag)
    refused(elsewhere, f"{stranger.name} is no wheel of {FAMILY}'s lock")
    artifact.push(repository, "application/vnd.other", [stranger], tag=tag)
    refused(elsewhere, "holds no wheels but application/vnd.other")

    # Without wheels there is really no index to ask.
    assert repository.delete(str(repository.digest(tag)))
    done = elsewhere.run("build", FAMILY)
    assert done.returncode == 1
    assert "No matching distribution found" in done.stderr
    kept = repository.get(found.digest)
    assert kept is not None
    repository.put(kept.data, documents.MANIFEST, tag)

    second = build(elsewhere)
    how = {name: one["how"] for name, one in second.items()}
    assert how == {"base-python": "unchanged", "base-utils": "unchanged", FAMILY: "built"}
    assert layers(elsewhere, second) == layers(here, first)


def refused(fleet: Fleet, says: str) -> None:
    done = fleet.run("build", FAMILY)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.count("dockwright: ") == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not fleet.docker.run("image", "ls", "--quiet", "--filter", f"reference=*/*/{FAMILY}").strip()
