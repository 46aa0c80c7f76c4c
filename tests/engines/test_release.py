"""Releases on a real engine: made of what is committed and built, written once, held against what is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from release.made import bill

from dockwright.engine.registry import artifact
from dockwright.engine.registry.artifact import File
from dockwright.release import publish
from dockwright.release.shelf import Shelf
from engines import standins
from engines.conftest import Running
from engines.fleet import Fleet
from engines.registry import Registry
from engines.standins import Checkout

pytestmark = pytest.mark.engines


def content(name: str, **packages: str) -> dict[str, bytes]:
    """What is in a stand-in: each instance has a bill of materials, SystemDigitalTwin one with more in it."""
    found = {f"opt/{name}": name.encode() * 1000}
    if "/" in name:
        more = packages if name.endswith("SystemDigitalTwin") else {}
        found["etc/dockwright/sbom.json"] = bill(numpy="1.9", deb_curl="7.88.1-10", **more)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("releases")


@pytest.fixture(scope="module")
def state(folder: Path) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKWRIGHT_STATE", str(folder / "state"))
        yield folder / "state"


@pytest.fixture(scope="module")
def made(folder: Path) -> Checkout:
    return standins.checkout(folder)


@pytest.fixture(scope="module")
def tool(engine: Running, state: Path, made: Checkout) -> Iterator[Fleet]:
    """The tool as its user runs it in that checkout. Its images are removed afterwards."""
    environ = {"DOCKER_HOST": engine.client.host, "DOCKWRIGHT_STATE": str(state)}
    yield Fleet(engine.client, made.root, environ)
    ours = engine.docker("image", "ls", "--quiet", "--no-trunc", "--filter", "label=io.dockwright.input").split()
    kept = [entry for entry in engine.client.inspect("image", sorted(set(ours))) if _stand_in(entry)]
    for entry in kept:
        engine.docker("image", "rm", "--force", str(entry["Id"]))


def _stand_in(entry: dict[str, Any]) -> bool:
    return bool(entry["Config"]["Cmd"] == ["/bin/busybox", "sleep", "600"])


def release(tool: Fleet, *words: str) -> Any:
    done = tool.run("release", *words, "--json", timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_a_release_wants_a_commit_and_its_images(tool: Fleet, made: Checkout, folder: Path) -> None:
    (made.root / "fleet" / "new").write_text("1")
    done = tool.run("release", "create")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "dockwright: the work tree has changes that no commit has, so no release can be made of it",
        "  -> commit or stash them (git status names them), then ./dockwright build",
    ]
    # Images of a dirty work tree are no commit's, whatever is committed afterwards.
    standins.build(tool.docker, made, folder / "context", content)
    made.commit("new")
    done = tool.run("release", "create")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("dockwright: not built from this commit: mainpc/")
    assert "-> ./dockwright build builds what is missing" in done.stderr
    assert Shelf(folder / "state" / "releases").all() == []


def test_what_is_built_is_released_once(tool: Fleet, made: Checkout, folder: Path) -> None:
    before = tool.docker.run("ps", "--all", "--quiet")
    references = standins.build(tool.docker, made, folder / "context", content)
    first = release(tool, "create", "--note", "the  first")
    record = first["release"]
    sha = made.git("rev-parse", "HEAD")
    assert first["new"]
    assert record["name"].endswith(f"-{sha[:12]}")
    assert record["note"] == "the first"
    assert record["contents"]["git_sha"] == sha
    found = {**record["contents"]["instances"], **record["contents"]["families"]}
    assert {name: one["reference"] for name, one in found.items()} == references
    for name, one in found.items():
        assert tool.docker.inspect("image", [one["reference"]])[0]["Id"] == one["digest"], name
    path = folder / "state" / "releases" / f"{record['name']}.json"
    assert json.loads(path.read_text()) == record
    again = release(tool, "create", "--note", "another note")
    assert (again["new"], again["release"]) == (False, record)
    assert f"{record['name']} exists" in tool.run("release", "create").stdout
    assert tool.docker.run("ps", "--all", "--quiet") == before, "the containers that bills are read from are gone"
    assert [one["name"] for one in release(tool, "list")] == [record["name"]]


def test_two_releases_that_differ_in_one_package_differ_in_that_package(
    tool: Fleet, made: Checkout, folder: Path
) -> None:
    standins.build(tool.docker, made, folder / "context", content)
    before = release(tool, "create")["release"]
    lock = made.root / "fleet" / "services" / "SystemDigitalTwin" / "requirements.lock"
    lock.write_text(f"{lock.read_text()}scipy==1.11 --hash=sha256:{'1' * 64}\n")
    made.commit("a package more")
    standins.build(tool.docker, made, folder / "context", lambda name: content(name, scipy="1.11"))
    after = release(tool, "create")["release"]
    found = release(tool, "diff", before["name"], "latest")
    (package,) = found["packages"]
    assert (package["name"], package["after"], package["way"]) == ("scipy", "1.11", "added")
    assert package["instances"] == ["mainpc/SystemDigitalTwin"]
    assert [one["name"] for one in found["instances"]] == ["mainpc/SystemDigitalTwin"]
    assert [one["name"] for one in found["locks"]] == ["fleet/services/SystemDigitalTwin/requirements.lock"]
    assert found["commits"] == [before["contents"]["git_sha"], after["contents"]["git_sha"]]
    assert not any(found[part] for part in ("families", "roots", "profiles", "tickets", "left_out"))
    told = tool.run("release", "diff", before["name"], "latest").stdout
    assert "  scipy 1.11 added in mainpc/SystemDigitalTwin" in told.splitlines()


def test_a_release_whose_images_are_gone_says_so(tool: Fleet, made: Checkout, folder: Path) -> None:
    standins.build(tool.docker, made, folder / "context", content)
    record = release(tool, "create")["release"]
    done = tool.run("release", "show", "latest", "--check")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"all {len(record['sizes'])} images are there" in done.stdout
    victim = record["contents"]["instances"]["mainpc/SystemDigitalTwin"]["digest"]
    tool.docker.run("image", "rm", "--force", victim)
    done = tool.run("release", "show", "latest", "--check", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["gone"] == ["mainpc/SystemDigitalTwin"]
    assert tool.run("release", "show", "latest").returncode == 0, "without --check nothing is asked"
    done = tool.run("release", "create")
    assert done.returncode == 1
    assert "not built from this commit: mainpc/SystemDigitalTwin" in done.stderr
    partial = release(tool, "create", "--partial")["release"]
    assert partial["contents"]["left_out"] == {"mainpc/SystemDigitalTwin": "not built"}
    assert partial["name"] == f"{record['name']}-2"


def test_a_release_goes_through_a_registry_and_comes_back_as_it_was(
    tool: Fleet, made: Checkout, folder: Path, registry: Registry, tmp_path: Path
) -> None:
    standins.build(tool.docker, made, folder / "context", content)
    where = ("--registry", str(registry.place))
    done = tool.run("release", "create", "--json", *where)
    assert done.returncode == 1
    assert f"is not pushed: {registry.place} has not its images of " in done.stderr
    record = release(tool, "create")["release"]
    name = record["name"]
    assert tool.run("push", *where).returncode == 0
    assert not release(tool, "create", *where)["new"], "it was written before it could be pushed"
    assert publish.names(registry.place) == [name]
    digest = release(tool, "push", "latest", *where)["digest"]
    assert publish.repository(registry.place).digest(name) == digest, "what is there is left as it is"
    # Another host has its own state directory.
    other = Fleet(tool.docker, tool.root, {**tool.environ, "DOCKWRIGHT_STATE": str(tmp_path / "other")})
    assert release(other, "list") == []
    assert release(other, "fetch", name[:12], *where) == {"new": True, "release": record}
    assert not release(other, "fetch", "latest", *where)["new"]
    shelf, ours = Shelf(tmp_path / "other" / "releases"), Shelf(folder / "state" / "releases")
    assert shelf.find("latest") == ours.find(name)
    for picture in shelf.find("latest").contents.instances.values():
        assert shelf.bill(picture.sbom) == ours.bill(picture.sbom)
    victim = record["contents"]["instances"]["pc2/CentralErrorBus"]
    tool.docker.run("image", "rm", "--force", victim["digest"])
    shown = tool.run("release", "show", name, "--check", *where)
    assert (shown.returncode, shown.stderr) == (0, "")
    (line,) = (line for line in shown.stdout.splitlines() if line.startswith("pc2/CentralErrorBus"))
    assert line.split()[-1] == "registry"


def test_of_one_day_the_release_that_was_made_last_is_the_newest(registry: Registry) -> None:
    """A name has the day and the commit, and of commits one cannot see which came first."""
    releases = publish.repository(registry.place)
    for sha, moment in (("c" * 12, "08:00:00"), ("a" * 12, "09:30:00"), ("b" * 12, "09:00:00")):
        created = {publish.CREATED: f"2026-11-24T{moment}+00:00"}
        artifact.push(releases, publish.KIND, [File(publish.FILE, b"{}")], annotations=created, tag=f"20261124-{sha}")
    artifact.push(releases, publish.KIND, [File(publish.FILE, b"{}")], tag=f"20261123-{'f' * 12}")
    found = [name.partition("-")[2][0] for name in publish.names(registry.place)]
    assert found == ["f", "c", "b", "a"]


def test_a_registry_that_lies_is_not_believed(
    tool: Fleet, made: Checkout, folder: Path, registry: Registry, tmp_path: Path
) -> None:
    standins.build(tool.docker, made, folder / "context", content)
    name = release(tool, "create")["release"]["name"]
    path = folder / "state" / "releases" / f"{name}.json"
    target = publish.repository(registry.place)
    other = Fleet(tool.docker, tool.root, {**tool.environ, "DOCKWRIGHT_STATE": str(tmp_path / "other")})

    def refused(word: str, *files: File, kind: str = publish.KIND) -> None:
        artifact.push(target, kind, files, tag=name)
        done = other.run("release", "fetch", name, "--registry", str(registry.place))
        assert done.returncode == 2, done.stdout
        assert word in done.stderr
        assert "Traceback" not in done.stderr
        assert Shelf(tmp_path / "other" / "releases").all() == []

    good = path.read_bytes()
    refused("is no release", File("release.json", good), kind="application/vnd.other")
    refused("is no release", File("other.json", good))
    refused("was changed after it was written", File("release.json", good.replace(b"base-utils:2", b"base-utils:3", 1)))
    told = Shelf(path.parent).find(name).contents.instances.values()
    bills = [File(publish._bill(digest), bill(evil="1")) for digest in {one.sbom for one in told}]
    refused("is another one than its release refers to", File("release.json", good), *bills)
    done = tool.run("release", "push", name, "--registry", str(registry.place))
    assert (done.returncode, done.stdout) == (1, "")
