"""Images into a registry and out of it again: on two engines, with registries and tools that are killed on the way."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dockwright.build.images import LABEL_INPUT
from dockwright.engine.command import end
from dockwright.engine.docker import Docker
from dockwright.engine.registry.documents import Manifest
from dockwright.engine.registry.repository import Repository
from dockwright.release import attached
from engines import registry as registries
from engines.conftest import Machine, Running
from engines.fleet import Fleet
from engines.registry import Registry

pytestmark = [pytest.mark.engines, pytest.mark.timeout(900)]
FAMILIES = ["base-python", "base-utils"]


@pytest.fixture(scope="module")
def built(engine: Running, checkout: Path) -> Fleet:
    fleet = Fleet(engine.client, checkout)
    done = fleet.run("build", "--json", "base-utils")
    assert done.returncode == 0, done.stderr
    return fleet


def push(fleet: Fleet, registry: Registry, *names: str) -> list[dict[str, Any]]:
    """`push --json`, which must end well."""
    done = fleet.run("push", "--json", "--registry", str(registry.place), *names)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["images"]
    return found


def whole(registry: Registry) -> dict[str, list[str]]:
    """Family -> the tags of its images; what every tag stands for must be there, byte for byte."""
    found = {}
    for name in FAMILIES:
        repository = Repository(registry.place.below(name))
        found[name] = [tag for tag in repository.tags() if not tag.startswith("sha256-")]
        for tag in found[name]:
            kept = repository.get(tag)
            assert kept is not None
            assert isinstance(kept.document, Manifest)
            for part in (kept.document.config, *kept.document.layers):
                with registry.blob(part.digest).open("rb") as file:
                    assert f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}" == part.digest
    return found


def test_what_one_engine_built_another_one_takes(built: Fleet, registry: Registry, other_engine: Docker) -> None:
    before = set(built.docker.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())
    pushed = push(built, registry, "base-utils")
    assert [one["name"] for one in pushed] == FAMILIES
    base, utils = (one["moved"] for one in pushed)
    assert base > 10e6 > 0
    assert 0 < utils < base, "what a family has from its parent is not sent again"
    assert set(built.docker.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()) == before
    for one in pushed:
        repository = Repository(registry.place.below(one["name"]))
        assert attached.attached(repository, one["digest"]) == one["sbom_digest"] != ""
    tags = whole(registry)
    assert [sorted(tag.startswith("input-") for tag in tags[name]) for name in FAMILIES] == [[False, True]] * 2
    again = push(built, registry, "base-utils")
    assert [(one["moved"], one["was_there"], one["digest"]) for one in again] == [
        (0, True, one["digest"]) for one in pushed
    ]

    fleet = Fleet(
        built.docker, built.root, {"DOCKER_HOST": other_engine.host, "DOCKWRIGHT_REGISTRY": str(registry.place)}
    )
    done = fleet.run("build", "--json", "base-utils")
    assert done.returncode == 0, done.stderr
    images = json.loads(done.stdout)["images"]
    assert [(one["name"], one["how"]) for one in images] == [(name, "pulled") for name in FAMILIES]
    assert [one["digest"] for one in images] == [one["digest"] for one in pushed]
    for one in images:
        (entry,) = other_engine.inspect("image", [one["reference"]])
        config = entry["Config"]
        assert isinstance(config, dict)
        assert config["Labels"][LABEL_INPUT] == one["input_digest"]

    # A registry that went away is no reason not to build; and nothing is asked where nothing is missing.
    registry.kill()
    assert "nothing to do: all 2 images are there" in fleet.run("build", "base-utils").stdout
    other_engine.run("image", "rm", "--force", *(one["digest"] for one in images))
    done = fleet.run("build", "base-python")
    assert done.returncode == 0, done.stderr
    assert f"nothing can be taken from {registry.place}: the registry {registry.host} does not answer" in done.stderr
    assert "built 1 of 1 images" in done.stdout


def test_an_image_that_is_not_what_its_tag_says_is_not_taken(built: Fleet, registry: Registry) -> None:
    push(built, registry, "base-utils")
    base, utils = (Repository(registry.place.below(name)) for name in FAMILIES)
    (tag,) = [tag for tag in base.tags() if tag.startswith("input-")]
    (wrong,) = [tag for tag in utils.tags() if tag.startswith("input-")]
    evil = utils.get(wrong)
    assert evil is not None
    for part in (evil.document.config, *evil.document.layers):  # type: ignore[union-attr]
        base.wire.push_blob(filename=str(registry.blob(part.digest)))
    base.put(evil.data, evil.document.media_type, tag)
    references = built.docker.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
    built.docker.run("image", "rm", "--force", *(one for one in references if "/base-python:" in one))
    fleet = Fleet(built.docker, built.root, {"DOCKWRIGHT_REGISTRY": str(registry.place)})
    done = fleet.run("build", "base-python")
    assert done.returncode == 0, done.stderr
    assert "is not made from what its tag says; it is built here" in done.stderr
    assert "built 1 of 1 images" in done.stdout


def arrives(registry: Registry, size: int = 4_000_000) -> None:
    """Waits until a registry has got some bytes of an image."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with suppress(FileNotFoundError):  # One that is whole goes elsewhere meanwhile.
            if sum(path.stat().st_size for path in registry.folder.glob("data/**/_uploads/*/data")) >= size:
                return
        time.sleep(0.002)
    pytest.fail("nothing arrives")


def test_a_registry_that_is_killed_in_the_middle_is_pushed_to_again(built: Fleet, registry: Registry) -> None:
    def kill() -> None:
        arrives(registry)
        registry.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    done = built.run("push", "--registry", str(registry.place), "base-utils")
    killer.join()
    assert done.returncode == 3, done.stdout + done.stderr
    assert done.stderr.count("\ndockwright: ") == 1
    assert f"the registry {registry.host} does not answer" in done.stderr
    registry.start()
    assert whole(registry) == {"base-python": [], "base-utils": []}
    assert [one["was_there"] for one in push(built, registry, "base-utils")] == [False, False]
    assert all(len(tags) == 2 for tags in whole(registry).values())


def test_a_tool_that_is_killed_in_the_middle_is_run_again(built: Fleet, registry: Registry) -> None:
    tool = built.start("push", "--registry", str(registry.place), "base-utils")
    try:
        arrives(registry)
        os.killpg(tool.pid, signal.SIGKILL)
    finally:
        end(tool)
        tool.communicate()
    whole(registry)
    assert all(one["digest"] for one in push(built, registry, "base-utils"))
    assert all(len(tags) == 2 for tags in whole(registry).values())
    assert sum(one["moved"] for one in push(built, registry, "base-utils")) == 0


def test_layers_that_arrived_before_it_broke_are_not_sent_again(built: Fleet, registry: Registry) -> None:
    whole_size = sum(one["moved"] for one in push(built, registry, "base-utils"))
    for name in FAMILIES:
        repository = Repository(registry.place.below(name))
        for digest in {repository.digest(tag) for tag in repository.tags()}:
            assert repository.delete(str(digest))
    assert whole(registry) == {"base-python": [], "base-utils": []}
    again = push(built, registry, "base-utils")
    assert sum(one["moved"] for one in again) < whole_size / 100
    assert all(len(tags) == 2 for tags in whole(registry).values())


@pytest.fixture
def guarded(machine: Machine, registry_program: Path, tmp_path: Path) -> Iterator[Registry]:
    """A registry that wants a password."""
    settings = registries.wants_password(tmp_path)
    with registries.running(machine.folder / "guarded", registry_program, settings) as found:
        yield found


def test_who_is_not_logged_in_is_told_how(built: Fleet, guarded: Registry, tmp_path: Path) -> None:
    fleet = Fleet(built.docker, built.root, {"DOCKER_CONFIG": str(tmp_path)})
    done = fleet.run("push", "--registry", str(guarded.place), "base-python")
    assert done.returncode == 1
    assert f"the registry {guarded.host} lets only those in who are logged in" in done.stderr
    assert f"-> docker login {guarded.host}" in done.stderr


def test_dockers_own_login_is_enough_and_its_password_is_shown_to_nobody(
    built: Fleet, guarded: Registry, tmp_path: Path
) -> None:
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    words = ("login", "--username", registries.USER, "--password-stdin", guarded.host)
    argv = (str(built.docker.program), *words)
    subprocess.run(
        argv, input=registries.PASSWORD, text=True, env={**os.environ, **built.docker.env(), **environ}, check=True
    )
    fleet = Fleet(built.docker, built.root, environ)
    seen: list[str] = []
    tool = fleet.start("push", "--verbose", "--registry", str(guarded.place), "base-python")
    while tool.poll() is None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(path.read_text(errors="replace"))
            except OSError:
                continue  # It ended meanwhile.
        time.sleep(0.05)
    told = tool.communicate()[0]
    assert tool.returncode == 0, told
    assert "1 images" in told
    assert registries.PASSWORD not in told
    assert not any(registries.PASSWORD in words for words in seen)


def test_what_is_not_built_and_what_does_not_exist(built: Fleet, registry: Registry) -> None:
    done = built.run("push", "--registry", str(registry.place), "family-torch-cu121")
    assert (done.returncode, "is not built" in done.stderr) == (2, True)
    assert "-> ./dockwright build family-torch-cu121" in done.stderr
    done = built.run("push", "--registry", str(registry.place), "family-tarch")
    assert done.returncode == 2
    done = built.run("push", "--registry", "http://127.0.0.1/x", "base-utils")
    assert (done.returncode, "names no registry" in done.stderr) == (2, True)
    done = built.run("push", "--registry", "127.0.0.1:1/x", "base-utils")
    assert (done.returncode, "does not answer: Connection refused" in done.stderr) == (3, True)
