"""Freeing disk space on a real engine: exactly what is old goes, the bytes are true, and one can still go back."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from release.made import bill

from dockwright.engine import daemon, space
from dockwright.engine.docker import Docker
from dockwright.engine.registry import artifact
from dockwright.engine.registry.artifact import File
from dockwright.engine.registry.repository import Repository
from dockwright.release import health, publish
from dockwright.release.leftovers import disk_size
from dockwright.release.shelf import Shelf
from engines import standins, supervised
from engines.conftest import Machine
from engines.fleet import Fleet
from engines.registry import Registry
from engines.standins import Checkout

pytestmark = pytest.mark.engines
TWIN = "mainpc/SystemDigitalTwin"
OWN = 3_000_000  # bytes that each image of the twin has alone; they cannot be packed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prune")


@pytest.fixture(scope="module")
def shelf(folder: Path) -> Iterator[Shelf]:
    """The releases of a state directory of its own, whose roots are a few bytes each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKWRIGHT_STATE", str(folder / "state"))
        standins.roots(folder)
        yield Shelf(folder / "state" / "releases")


@pytest.fixture(scope="module")
def store(machine: Machine) -> Path:
    """Where the engine of these tests keeps what it has."""
    return machine.folder / "prune" / "engine"


@pytest.fixture(scope="module")
def docker(machine: Machine, store: Path) -> Iterator[Docker]:
    """An engine whose store nobody else fills."""
    own = daemon.Daemon(store, builds_only=True)
    yield daemon.start(own, machine.client, machine.say)
    daemon.stop(own)


@pytest.fixture(scope="module")
def tool(docker: Docker, shelf: Shelf, folder: Path) -> Fleet:
    environ = {"DOCKER_HOST": docker.host, "DOCKWRIGHT_STATE": str(shelf.home.parent)}
    return Fleet(docker, standins.checkout(folder).root, environ)


class History:
    """Releases that differ in the twin's image alone, one commit each."""

    def __init__(self, tool: Fleet, shelf: Shelf, folder: Path) -> None:
        self.tool, self.shelf, self.folder = tool, shelf, folder
        self.made = Checkout(tool.root)
        self.busybox = supervised.static_busybox(folder).read_bytes()
        self.names: list[str] = []

    def content(self, name: str) -> dict[str, bytes]:
        """The lowest family has a busybox, each instance a bill of materials, the twin new bytes every time."""
        found = {"bin/busybox": self.busybox} if name == "base-python" else {f"opt/{name}": name.encode()}
        if "/" in name:
            found["etc/dockwright/sbom.json"] = bill(numpy="1.9")
        if name == TWIN:
            found["opt/own"] = random.Random(len(self.names)).randbytes(OWN)  # noqa: S311 - any bytes will do
        return found

    def release(self) -> str:
        """Commit a change of the twin, build it, release it."""
        app = self.made.root / "fleet" / "services" / "SystemDigitalTwin" / "system_digital_twin" / "app.py"
        app.write_text(f"{app.read_text()}\n# {len(self.names)}\n")
        self.made.commit(f"change {len(self.names)}")
        standins.build(self.tool.docker, self.made, self.folder / "context", self.content)
        done = self.tool.run("release", "create", "--json")
        assert done.returncode == 0, done.stderr
        self.names.append(json.loads(done.stdout)["release"]["name"])
        return self.names[-1]

    def twin(self, number: int) -> str:
        """The digest of the twin's image in a release."""
        return self.shelf.find(self.names[number]).contents.instances[TWIN].digest

    def healthy(self, number: int, hour: int) -> None:
        instances = self.shelf.find(self.names[number]).contents.instances
        running = {name: picture.digest for name, picture in instances.items()}
        assert health.note(self.shelf, "mainpc", running, datetime(2026, 11, 24, hour, tzinfo=UTC))


@pytest.fixture(scope="module")
def history(tool: Fleet, shelf: Shelf, folder: Path) -> History:
    """Six releases. The second one and the third were healthy."""
    made = History(tool, shelf, folder)
    for _ in range(6):
        made.release()
    made.healthy(1, 10)
    made.healthy(2, 11)
    return made


def prune(tool: Fleet, *words: str) -> Any:
    done = tool.run("prune", "--json", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def stored(docker: Docker) -> set[str]:
    return set(docker.run("image", "ls", "--quiet", "--no-trunc").split())


@pytest.fixture
def others(docker: Docker, history: History) -> Iterator[None]:
    """A container, not running, that needs the first release; a name that somebody has given the fourth one's image."""
    docker.run("tag", history.shelf.find(history.names[3]).contents.instances[TWIN].reference, "somebody-elses:latest")
    docker.run("create", "--name", "old-twin", "--network=none", history.twin(0))
    yield
    docker.run("rm", "--force", "old-twin")
    docker.run("image", "rm", "somebody-elses:latest", check=False)


def test_a_pinned_image_stays(docker: Docker, tool: Fleet, history: History, others: None) -> None:
    """Whatever its age, until somebody unpins, and the reason is the one that was given."""
    tag = history.shelf.find(history.names[4]).contents.instances[TWIN].tag
    words = ("SystemDigitalTwin", tag, "--until", "2999-01-01", "--why", "the newest one leaks")
    done = tool.run("pin", *words)
    assert done.returncode == 0, done.stderr
    found = prune(tool, "images", "--keep", "1", "--yes")
    assert found["items"] == []
    assert found["kept"][history.twin(4)] == "SystemDigitalTwin is pinned to it: the newest one leaks"
    assert history.twin(4) in stored(docker)
    assert tool.run("unpin", "SystemDigitalTwin").returncode == 0


def test_exactly_what_is_old_goes_and_its_bytes_are_true(
    docker: Docker, tool: Fleet, history: History, others: None, store: Path
) -> None:
    before = stored(docker)
    planned = prune(tool, "images", "--keep", "1")
    # The newest is 5; 2 and 1 were healthy; a container needs 0; somebody has given 3 a name.
    assert [item["digest"] for item in planned["items"]] == [history.twin(4)]
    assert not planned["done"]
    assert stored(docker) == before, "nothing is touched without --yes"
    (item,) = planned["items"]
    assert OWN <= item["bytes"] <= OWN * 1.1
    size = disk_size(store / "data")
    done = prune(tool, "images", "--keep", "1", "--yes")
    assert (done["done"], done["bytes"], done["failed"]) == (True, item["bytes"], [])
    assert before - stored(docker) == {history.twin(4)}
    assert item["bytes"] * 0.95 <= size - disk_size(store / "data")
    assert done["engine_freed"] >= item["bytes"]
    again = tool.run("prune", "images", "--keep", "1", "--yes")
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "nothing was freed")


def test_what_was_healthy_before_can_still_be_started(docker: Docker, tool: Fleet, history: History) -> None:
    """With all cache and every old image gone, each image of the last healthy release runs."""
    history.release()
    done = prune(tool, "--keep", "1", "--yes")
    assert done["failed"] == []
    assert tool.run("release", "show", history.names[1], "--check").returncode == 0
    back = health.last_healthy(history.shelf)
    assert back is not None
    assert back.name == history.names[2]
    for name, picture in back.contents.instances.items():
        reference = f"{picture.repository}@{picture.digest}"
        confined = ("--rm", "--pull=never", "--network=none", "--read-only")
        assert docker.run("run", *confined, reference, "/bin/busybox", "echo", name).strip() == name
    gone = history.shelf.find(history.names[4])
    done = tool.run("release", "show", gone.name, "--check", "--json")
    assert json.loads(done.stdout)["gone"] == [TWIN]


def test_all_that_was_promised_is_freed(docker: Docker, tool: Fleet, history: History, store: Path) -> None:
    for _ in range(2):
        history.release()
    planned = prune(tool, "images", "cache", "--keep", "1")
    size = disk_size(store / "data")
    done = prune(tool, "images", "cache", "--keep", "1", "--yes")
    assert (done["bytes"], done["failed"]) == (planned["bytes"], [])
    # Unpacked, and packed as well: no cache holds it any more.
    images = [item["bytes"] for item in done["items"] if item["kind"] == "images"]
    assert len(images) >= 2
    assert min(images) > 2 * OWN
    freed = size - disk_size(store / "data")
    assert planned["bytes"] * 0.95 <= freed, (planned, freed)
    assert freed <= planned["bytes"] * 1.1, (planned, freed)
    assert abs(done["engine_freed"] - freed) <= freed * 0.1
    assert prune(tool, "images", "cache", "--keep", "1")["items"] == []


def test_cache_that_was_used_lately_stays(docker: Docker, tool: Fleet, history: History) -> None:
    history.release()
    before = space.read(docker).cache
    assert before
    assert prune(tool, "cache", "--older-than", "1", "--yes")["items"] == []
    assert space.free_cache(docker, 1) == 0, "the engine is asked in hours, and means the same"
    assert len(space.read(docker).cache) == len(before)


def test_what_cannot_be_freed_is_told(docker: Docker, tool: Fleet, history: History) -> None:
    """A release that cannot be read may need any image: nothing is freed then."""
    path = history.shelf.home / f"{history.names[0]}.json"
    good = path.read_bytes()
    before = stored(docker)
    path.chmod(0o644)
    path.write_bytes(good.replace(b"mainpc", b"mainpk", 1))
    try:
        done = tool.run("prune", "--keep", "1", "--yes")
    finally:
        path.write_bytes(good)
    assert (done.returncode, done.stdout) == (2, "")
    assert history.names[0] in done.stderr
    assert stored(docker) == before


def test_ctrl_c_says_what_is_left(docker: Docker, tool: Fleet, history: History) -> None:
    for _ in range(3):
        history.release()
    count = len(prune(tool, "images", "--keep", "1")["items"])
    assert count >= 3, "what was the newest before, and two that were it for a while"
    argv, env = tool.command("prune", "images", "--keep", "1", "--yes")
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        assert running.stdout is not None
        for line in running.stderr:
            if "images: " in line:
                running.send_signal(signal.SIGINT)
                break
        said, _ = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "run the same command again to go on" in said
    assert f"of {count}" in said
    done = prune(tool, "images", "--keep", "1", "--yes")
    assert done["failed"] == []
    assert prune(tool, "images", "--keep", "1")["items"] == []


def test_leftovers_of_the_state_directory_go(tool: Fleet, shelf: Shelf) -> None:
    home = shelf.home.parent
    used = {path.name for path in (home / "roots").iterdir()}
    for name in ("roots/debian-bookworm-0123456789abcdef", "roots/no-such-root-0123456789abcdef", "tools/uv-0.0.1"):
        (home / name).mkdir(parents=True)
        (home / name / "file").write_bytes(bytes(100_000))
    (home / "tools" / "somebody-elses").mkdir()
    environment = home / "dev" / "environments" / "0123456789abcdef"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(sys.executable)
    (home / "lock" / "metadata").mkdir(parents=True)
    (home / "lock" / "metadata" / f"{'0' * 64}.json").write_text("[]")
    lately = prune(tool, "state")["items"]
    assert not [item for item in lately if item["kind"] == "roots"], "used lately, perhaps by another checkout"
    for path in (home / "roots").iterdir():
        if path.name not in used:
            os.utime(path, (0, 0))
    kinds = [item["kind"] for item in prune(tool, "state", "--older-than", "1")["items"]]
    assert kinds == ["roots", "roots"], "all else is younger than a day"
    with subprocess.Popen([environment / "bin" / "python", "-c", "input()"], stdin=subprocess.PIPE) as running:
        planned = prune(tool, "state")
        running.communicate(b"\n")
    assert {item["name"] for item in planned["items"]} == {
        "roots/debian-bookworm-0123456789abcdef",
        "roots/no-such-root-0123456789abcdef",
        "tools/uv-0.0.1",
        f"lock/metadata/{'0' * 64}.json",
    }
    done = prune(tool, "state", "--yes")
    assert {item["name"] for item in done["items"]} >= {"dev/environments/0123456789abcdef", "tools/uv-0.0.1"}
    assert done["bytes"] >= 300_000
    assert {path.name for path in (home / "roots").iterdir()} == used
    assert [path.name for path in (home / "tools").iterdir()] == ["somebody-elses"]
    assert prune(tool, "state")["items"] == []


def test_where_the_disk_went_adds_up(docker: Docker, tool: Fleet, history: History, store: Path) -> None:
    done = tool.run("sizes", "--disk", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    uses = {use["what"]: use for use in told["uses"]}
    assert uses["instances"]["count"] > 0
    assert uses["families"]["bytes"] > len(history.busybox)
    engine = sum(uses[what]["bytes"] for what in ("families", "instances", "other images", "build cache"))
    size = disk_size(store / "data")
    # What is left are the engine's own databases, and BuildKit's history, which grows with every build.
    assert engine <= size <= engine + 12_000_000
    assert told["bytes"] == sum(use["bytes"] for use in told["uses"])
    assert uses["roots"]["bytes"] > 0
    assert uses["releases"]["count"] >= len(history.names)
    shown = tool.run("sizes", "--disk")
    assert "./dockwright prune would free " in shown.stdout
    assert tool.run("sizes", "--disk", "family-web").returncode == 2


def test_a_registry_keeps_what_one_may_go_back_to(
    docker: Docker, tool: Fleet, history: History, registry: Registry
) -> None:
    where = ("--registry", str(registry.place))
    for _ in range(3):
        history.release()
        assert tool.run("push", *where).returncode == 0
        assert tool.run("release", "push", "latest", *where).returncode == 0
    first = len(history.names) - 3
    history.healthy(first, 23)
    twins = Repository(registry.place.below("system-digital-twin"))
    digests = [history.twin(number) for number in range(first, first + 3)]
    about = artifact.push(twins, "application/vnd.test", [File("sbom", b"{}")], subject=digests[1])
    planned = prune(tool, "registry", "--keep", "1", *where)
    # The first was healthy, and the last is the newest.
    assert [item["digest"] for item in planned["items"]] == [digests[1]]
    assert OWN < planned["bytes"] < OWN * 1.1
    assert all(twins.digest(digest) for digest in digests), "nothing is touched without --yes"
    done = prune(tool, "registry", "--keep", "1", "--yes", *where)
    assert (done["failed"], done["engine_freed"]) == ([], None)
    assert [digest for digest in digests if twins.digest(digest) is None] == [digests[1]]
    assert twins.digest(about) is None
    assert artifact.fallback(digests[1]) not in twins.tags()
    back = history.shelf.find(history.names[first])
    assert publish.held(registry.place, back) == back.digests()
    assert prune(tool, "registry", "--keep", "1", *where)["items"] == []


def test_what_says_something_of_an_image_that_is_gone_goes_too(
    docker: Docker, tool: Fleet, history: History, registry: Registry
) -> None:
    where = ("--registry", str(registry.place))
    assert tool.run("push", *where).returncode == 0
    twins = Repository(registry.place.below("system-digital-twin"))
    subject = twins.digest(twins.tags()[0])
    assert subject is not None
    about = artifact.push(twins, "application/vnd.test", [File("sbom", b"{}")], subject=subject)
    twins.delete(subject)
    done = prune(tool, "registry", "--yes", *where)
    assert [item["why"] for item in done["items"]] == ["what it says something of is gone"]
    assert twins.digest(about) is None
    assert twins.tags() == []
    registry.stop()
    gone = tool.run("prune", "registry", "--yes", *where)
    assert gone.returncode == 3
    assert "does not answer" in gone.stderr
