"""`plan` and `build` on a real engine, with images of a few megabytes: the right set, once, however a run ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from build import tiny

from dockwright.engine import daemon
from dockwright.engine.docker import Docker
from dockwright.engine.state import state_dir
from engines.conftest import Machine, Running
from engines.fleet import Fleet
from engines.registry import Registry

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]
LEFT = {"left", "one/Service0", "two/Service0", "one/Service2"}
RIGHT = {"right", "two/Service1", "two/Service3"}
EVERYTHING = {"base"} | LEFT | RIGHT


@pytest.fixture
def here(engine: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[tiny.Checkout, Fleet]]:
    """A checkout and a state of its own on the tests' engine; its images are removed afterwards."""
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("DOCKER_HOST", engine.client.host)
    made = tiny.checkout(tmp_path / "checkout", 4)
    tiny.roots(made)
    yield made, Fleet(engine.client, made.root)
    remove(engine.client)


def remove(docker: Docker) -> None:
    names = references(docker)
    if names:
        docker.run("image", "rm", "--force", *names)


def references(docker: Docker) -> set[str]:
    """Every tag of the checkout's images."""
    listed = docker.run(
        "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "--filter", "reference=registry.invalid/*/*"
    )
    return set(listed.split())


def said(fleet: Fleet, verb: str, *words: str) -> dict[str, Any]:
    done = fleet.run(verb, "--json", *words, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def plan(fleet: Fleet, *words: str) -> dict[str, dict[str, Any]]:
    return {image["name"]: image for image in said(fleet, "plan", *words)["images"]}


def build(fleet: Fleet, *words: str) -> dict[str, dict[str, Any]]:
    return {image["name"]: image for image in said(fleet, "build", *words)["images"]}


def doing(images: dict[str, dict[str, Any]], action: str) -> set[str]:
    key = "action" if "action" in next(iter(images.values())) else "how"
    return {name for name, image in images.items() if image[key] == action}


def whole(docker: Docker, made: tiny.Checkout, built: dict[str, dict[str, Any]]) -> None:
    """Each tag stands for an image that runs; those that a build names hold what the checkout holds."""
    for name in references(docker):
        if "/service" in name:
            assert docker.run("run", "--rm", "--network=none", "--pull=never", name)
    for instance in made.instances:
        wanted = (made.root / "fleet/services" / instance.rpartition("/")[2] / "content").read_text()
        reference = built[instance]["reference"]
        assert docker.run("run", "--rm", "--network=none", "--pull=never", reference) == wanted * 2


def test_a_plan_makes_nothing_and_a_build_makes_exactly_it(here: tuple[tiny.Checkout, Fleet]) -> None:
    made, fleet = here
    first = plan(fleet)
    assert doing(first, "build") == EVERYTHING
    assert {image["why"] for image in first.values()} == {"never built here"}
    assert references(fleet.docker) == set()
    built = build(fleet)
    assert doing(built, "built") == EVERYTHING
    assert {name: image["input_digest"] for name, image in built.items()} == {
        name: image["input_digest"] for name, image in first.items()
    }
    whole(fleet.docker, made, built)
    assert doing(plan(fleet), "nothing") == EVERYTHING
    assert doing(build(fleet), "unchanged") == EVERYTHING
    done = fleet.run("plan")
    assert done.stdout.startswith("nothing to do: the engine has all 8 images, of exactly these inputs\n")


def test_edits_rebuild_what_stands_on_them_and_are_told(here: tuple[tiny.Checkout, Fleet]) -> None:
    made, fleet = here
    build(fleet)

    made.write(made.root / "README.md", "a page\n")
    made.write(made.service(1) / "tests" / "test_it.py", "")
    os.utime(made.service(1) / "content")
    assert doing(build(fleet), "built") == set()

    made.write(made.service(1) / "content", "other\n")
    found = plan(fleet)["two/Service1"]
    assert (found["why"], found["action"]) == ("file content", "build")
    assert found["since"].startswith("registry.invalid/tiny/service1:")
    assert doing(build(fleet), "built") == {"two/Service1"}

    made.write(made.family("left") / "content", "other\n")
    assert {name: image["why"] for name, image in plan(fleet).items() if image["why"]} == {
        name: "file content" if name == "left" else "parent left" for name in LEFT
    }
    built = build(fleet)
    assert doing(built, "built") == LEFT
    whole(fleet.docker, made, built)

    made.git("checkout", "--quiet", "fleet")
    assert doing(plan(fleet), "build") == set(), "images of the inputs before are still there"


def test_a_commit_that_changes_no_image_only_tags(here: tuple[tiny.Checkout, Fleet]) -> None:
    made, fleet = here
    before = build(fleet)
    made.write(made.root / "README.md", "a page\n")
    made.commit("a page")
    assert doing(plan(fleet), "tag") == EVERYTHING
    after = build(fleet)
    assert doing(after, "tagged") == EVERYTHING
    assert {name: image["digest"] for name, image in after.items()} == {
        name: image["digest"] for name, image in before.items()
    }
    sha = made.git("rev-parse", "HEAD")[:12]
    assert all(sha in image["reference"] for image in after.values())
    assert not [name for name in references(fleet.docker) if "prev" in name], "only a healthy release moves it"
    assert doing(build(fleet), "unchanged") == EVERYTHING


def test_what_is_built_again_from_another_commit_says_that_commit(here: tuple[tiny.Checkout, Fleet]) -> None:
    """Of files that differ by neither length nor time, BuildKit would go on with what it was sent the time before."""
    made, fleet = here
    for page in ("a page\n", "another page\n"):
        made.write(made.root / "README.md", page)
        made.commit("a page")
        reference = build(fleet)["two/Service1"]["reference"]
        words = ("run", "--rm", "--network=none", "--pull=never", reference, "/bin/cat", "/etc/dockwright/build.json")
        said = json.loads(fleet.docker.run(*words))
        assert said["git_sha"] == made.git("rev-parse", "HEAD")
        assert reference.endswith(f":{said['tag']}")
        remove(fleet.docker)


def test_a_dirty_tree_is_said_in_the_tag_of_what_it_builds_only(here: tuple[tiny.Checkout, Fleet]) -> None:
    made, fleet = here
    build(fleet)
    made.write(made.service(2) / "content", "other\n")
    found = build(fleet)
    dirty = {name for name, image in found.items() if "-dirty" in image["reference"]}
    assert dirty == {"one/Service2"}


def test_without_an_engine_a_plan_lists_digests_and_says_what_it_cannot_know(
    here: tuple[tiny.Checkout, Fleet], tmp_path: Path
) -> None:
    _, fleet = here
    with_engine = plan(fleet)
    alone = Fleet(fleet.docker, fleet.root, {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    done = alone.run("plan", "--json")
    assert done.returncode == 3
    assert "no Docker engine answers" in done.stderr
    found = json.loads(done.stdout)
    assert found["engine"] is None
    assert {image["name"]: image["input_digest"] for image in found["images"]} == {
        name: image["input_digest"] for name, image in with_engine.items()
    }


def test_another_machine_is_told_what_a_registry_has(
    here: tuple[tiny.Checkout, Fleet], registry: Registry, other_engine: Docker, tmp_path: Path
) -> None:
    made, fleet = here
    build(fleet)
    done = fleet.run("push", "--registry", str(registry.place))
    assert done.returncode == 0, done.stderr
    environ = {
        "DOCKER_HOST": other_engine.host,
        "DOCKWRIGHT_STATE": str(tmp_path / "elsewhere"),
        "DOCKWRIGHT_REGISTRY": str(registry.place),
    }
    other = Fleet(other_engine, made.root, environ)
    assert doing(plan(other), "pull") == EVERYTHING
    made.write(made.service(1) / "content", "other\n")
    found = plan(other)
    assert doing(found, "build") == {"two/Service1"}
    assert found["two/Service1"]["why"] == "file content"
    assert found["two/Service1"]["since"].startswith(f"{registry.place}/service1:")
    assert not (tmp_path / "elsewhere").exists(), "a plan makes nothing"

    push = said(fleet, "plan", "--registry", str(registry.place))["push"]
    assert (push["bytes"], push["layers_not_measured"]) == (0, 0), "the registry has all that is built"
    registry.kill()
    done = other.run("plan")
    assert done.returncode == 0, done.stderr
    assert f"what {registry.place} has is not known: the registry {registry.host} does not answer" in done.stderr


def test_two_builds_at_once_do_the_work_once(here: tuple[tiny.Checkout, Fleet]) -> None:
    made, fleet = here
    made.write(made.root / "fleet/build/seconds", "1\n")
    runs = [fleet.start("build", *words) for words in ((), ("Service0",), ())]
    told = [run.communicate(timeout=240)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], told
    waited = [text for text in told if "another build runs on this machine: waiting until process" in text]
    assert len(waited) == 2
    built = [line for text in told for line in text.splitlines() if "images: " in line and "building" not in line]
    names = sorted(line.rpartition(": ")[2] for line in built)
    assert names == sorted(EVERYTHING), "each image was built by one of them"
    whole(fleet.docker, made, build(fleet))


@pytest.mark.parametrize("after", [1, 4])
def test_a_build_that_was_killed_goes_on_where_it_stopped(here: tuple[tiny.Checkout, Fleet], after: int) -> None:
    """kill -9 of the tool once `after` images are there."""
    made, fleet = here
    made.write(made.root / "fleet/build/seconds", "1\n")
    process = fleet.start("build")
    until_built(process, after)
    process.kill()
    process.communicate()
    assert (state_dir() / "build").exists(), "what it worked with is left"
    whole(fleet.docker, made, build(fleet))
    assert doing(plan(fleet), "nothing") == EVERYTHING
    assert not (state_dir() / "build").exists()


def until_built(process: subprocess.Popen[str], count: int) -> None:
    """Read what a build says until it has built that many images."""
    assert process.stdout is not None
    for line in process.stdout:
        if f" {count} of " in line and "building" not in line:
            return
    pytest.fail("the build ended before that")


def test_an_engine_that_is_killed_while_it_builds_costs_a_second_run(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = daemon.Daemon(machine.folder / "killed", builds_only=True)
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("DOCKER_HOST", own.host)
    made = tiny.checkout(tmp_path / "checkout", 4, seconds=1)
    tiny.roots(made)
    fleet = Fleet(daemon.start(own, machine.client, machine.say), made.root)
    try:
        process = fleet.start("build")
        until_built(process, 2)
        number = own.pid()
        assert number
        os.kill(number, signal.SIGKILL)
        told = process.communicate(timeout=60)[0]
        assert process.returncode == 3, told
        assert f"the engine at {own.host} ended in the middle of the build" in told
        os.waitpid(number, 0)  # This process started it.
        docker = daemon.start(own, machine.client, machine.say)
        before = references(docker)
        built = build(Fleet(docker, made.root))
        assert doing(built, "unchanged"), f"{before}: nothing is built twice"
        for reference in references(docker):
            assert docker.inspect("image", [reference])[0]["Id"] in {image["digest"] for image in built.values()}
        assert doing(plan(fleet), "nothing") == EVERYTHING
    finally:
        daemon.stop(own)
