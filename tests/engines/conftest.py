"""A Docker engine of the tests' own, made by the tool's own code, on a network and in a folder of its own.

One engine serves all tests of a run; the roots and tools that the tool makes are made once for it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from plugins import leftovers

from dockwright.engine import daemon, find, install
from dockwright.engine.docker import Docker
from dockwright.errors import Unreachable
from dockwright.lock import lists
from dockwright.lock.resolver import Stop
from engines import network, standins, two
from engines import registry as registries
from engines.fleet import ROOT
from engines.rollout import Rollout
from engines.two import Pair

Say = Callable[[str], None]


@dataclass(frozen=True)
class Machine:
    """What a test may use of this machine: a folder that is removed afterwards, whether packages may be installed."""

    name: str
    folder: Path
    may_install: bool
    client: Path
    say: Say


@dataclass(frozen=True)
class Running:
    """The tests' engine."""

    client: Docker
    socket: Path

    def docker(self, *args: str) -> str:
        return self.client.run(*args, timeout=600)


@pytest.fixture(scope="package")
def machine(pytestconfig: pytest.Config) -> Iterator[Machine]:
    """The tool's state in a new folder, this process in a new network, Docker's packages installed."""
    name = leftovers.run_name()
    leftovers.clear(name)
    may_install = not pytestconfig.option.no_install
    say = _say(pytestconfig)
    client = _packages(may_install, say)
    folder = leftovers.folders() / name
    folder.mkdir(mode=0o700)
    try:
        with pytest.MonkeyPatch.context() as patch, network.entered(name, joined=True):
            patch.setenv("DOCKWRIGHT_STATE", str(folder / "state"))
            yield Machine(name, folder, may_install, client, say)
    finally:
        leftovers.clear(name)


@pytest.fixture(scope="package")
def engine(machine: Machine) -> Iterator[Running]:
    """A running engine; never one that was here before."""
    own = find.own_daemon()
    docker = daemon.start(own, machine.client, machine.say)
    assert find.lacking(docker) == ""
    yield Running(docker, own.socket)
    assert daemon.stop(own), "the engine ended before its tests did"


@pytest.fixture(scope="package")
def registry_program(machine: Machine) -> Path:
    return registries.program(machine.folder)


@pytest.fixture
def registry(machine: Machine, registry_program: Path) -> Iterator[registries.Registry]:
    """A real registry on loopback, empty, for one test; the engine reaches it under the same address."""
    with registries.running(machine.folder / f"registry-{uuid.uuid4().hex[:8]}", registry_program) as found:
        yield found


@pytest.fixture(name="network")
def containers_network(engine: Running) -> Iterator[str]:
    """A network that the fleet's shape allows, for one test."""
    name = f"dockwright-{uuid.uuid4().hex[:8]}"
    engine.docker("network", "create", name)
    yield name
    engine.docker("network", "rm", name)


@pytest.fixture(scope="package")
def checkout(machine: Machine) -> Iterator[Path]:
    """A commit of its own, of what this work tree holds now: images of a dirty one are not for others to find."""
    folder = machine.folder / "checkout"
    for part in ("src", "servicekit/src", "fleet"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    git = ("git", "-C", str(folder), "-c", "user.name=tests", "-c", "user.email=tests@example.test")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "what is tested")):
        subprocess.run((*git, *words), check=True)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def other_engine(machine: Machine) -> Iterator[Docker]:
    """A second engine, which has nothing; it builds and runs no containers."""
    own = daemon.Daemon(machine.folder / "other-engine", builds_only=True)
    docker = daemon.start(own, machine.client, machine.say)
    try:
        yield docker
    finally:
        daemon.stop(own)
        shutil.rmtree(own.home)


@pytest.fixture(scope="package")
def jammy(machine: Machine) -> str:
    """Why nothing of Ubuntu 22.04 can be made here; empty where its archive answers."""
    stop = Stop()
    with tempfile.TemporaryDirectory(prefix="dockwright-jammy-") as work:
        folder = Path(work)
        folder.chmod(0o755)  # apt reads below it as a user of its own
        try:
            lists.ensure_maker(allowed=machine.may_install, say=machine.say)
            lists.read("ubuntu", "jammy", folder / "archive", stop, lists.keyring("ubuntu", folder, stop))
        except Unreachable as error:
            return str(error)
    return ""


def _packages(may_install: bool, say: Say) -> Path:
    host = install.read_host()
    if shutil.which("ip") is None:
        install.ensure("ip", install.Plan(("iproute2",)), host, allowed=may_install, say=say)
    return install.ensure_client(host, allowed=may_install, say=say)


def _say(config: pytest.Config) -> Say:
    """Tells people at once what takes long, past pytest's capturing; the time counts from here."""
    capture = config.pluginmanager.getplugin("capturemanager")
    began = time.monotonic()

    def say(text: str) -> None:
        seconds = int(time.monotonic() - began)
        with capture.global_and_fixture_disabled():
            print(f"\n[{seconds // 60:>2}:{seconds % 60:02}] {text} ", end="", file=sys.stderr, flush=True)

    return say


@pytest.fixture(scope="module")
def pair(engine: Running, machine: Machine) -> Iterator[Pair]:
    """A second machine beside the tests' own."""
    with two.second_machine(machine) as made:
        yield made


@pytest.fixture(scope="module")
def bare(engine: Running, pair: Pair, machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rollout]:
    """Two machines that nothing was rolled out to."""
    before = _images(engine)
    made = Rollout.of(engine.client, pair, standins.checkout(tmp_path_factory.mktemp("rollout")), machine.folder)
    yield made
    made.clear()
    for digest in _images(engine) - before:
        engine.client.run("image", "rm", "--force", digest, check=False)


def _images(engine: Running) -> set[str]:
    """The fleet's images on the tests' engine: tests of releases and pushes want to find none that others built."""
    return set(engine.docker("image", "ls", "--quiet", "--no-trunc", "--filter", "label=io.dockwright.input").split())


@pytest.fixture(scope="module")
def settled(bare: Rollout) -> Rollout:
    """Two machines on which a release is healthy."""
    bare.release("what was healthy before")
    assert bare.json("deploy")["end"] == "done"
    return bare
