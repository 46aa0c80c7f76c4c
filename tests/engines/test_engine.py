"""An engine of the tool's own, for real: started, found again, healed after a kill, refused when too old."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import signal
import socketserver
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from plugins import leftovers

from dockwright.engine import daemon, find, install
from dockwright.engine.daemon import Daemon
from dockwright.engine.docker import Docker
from dockwright.errors import CommandFailed, EngineUnavailable
from engines import network
from engines.conftest import Machine, Running
from engines.supervised import IMAGE, import_image, until

SLEEPER = ("run", "--detach", "--network=none", "--stop-signal=KILL", IMAGE, "/bin/busybox", "sleep", "600")


@pytest.fixture(scope="package")
def tiny(engine: Running, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tiny image, on the tests' engine, and as a file for other engines."""
    folder = tmp_path_factory.mktemp("tiny")
    import_image(engine, folder)
    ident = engine.docker("create", IMAGE, "/bin/true").strip()
    engine.docker("export", "--output", str(folder / "root.tar"), ident)
    engine.docker("rm", ident)
    return str(folder / "root.tar")


@pytest.fixture
def own(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    """The files of an engine that is not started yet, in a network where no other engine's bridges are."""
    state = machine.folder / tmp_path_factory.mktemp("own").name
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(state))
    made = find.own_daemon()
    assert made.home == state / "engine"
    name = f"{machine.name}-{state.name}"
    try:
        with network.entered(name, joined=False):
            yield made
            daemon.stop(made)
    finally:
        leftovers.clear(name)


def start(own: Daemon, machine: Machine) -> Docker:
    return daemon.start(own, machine.client, machine.say)


def test_an_engine_can_do_what_the_fleet_needs(engine: Running) -> None:
    assert find.lacking(engine.client) == ""
    assert engine.client.image_store == "containerd"
    assert engine.client.socket == engine.socket


def test_an_engine_that_runs_is_found_and_not_started_again(own: Daemon, machine: Machine) -> None:
    first = start(own, machine)
    number = own.pid()
    said: list[str] = []
    assert find.ensure(allowed=False, say=said.append) == first
    assert find.running().host == first.host == own.host
    assert daemon.start(own, machine.client, said.append) == first
    assert (own.pid(), said) == (number, [])


def test_stopping_ends_all_that_is_its_and_nothing_else(
    tiny: str, own: Daemon, machine: Machine, engine: Running
) -> None:
    other = engine.docker("run", "--detach", "--rm", IMAGE, "/bin/busybox", "sleep", "600").strip()
    try:
        docker = start(own, machine)
        docker.run("import", tiny, IMAGE)
        docker.run(*SLEEPER)
        assert daemon.stop(own) is True
        assert own.pid() is None
        assert not own.socket.exists()
        assert _processes_of(own) == []
        assert daemon.stop(own) is False
        assert engine.docker("inspect", "--format", "{{.State.Running}}", other).strip() == "true"
    finally:
        engine.docker("rm", "--force", other)


def test_a_killed_engine_heals_on_the_next_start(tiny: str, own: Daemon, machine: Machine) -> None:
    """kill -9 leaves a pid file, a socket and running containers behind; nothing of that is in the way."""
    docker = start(own, machine)
    docker.run("import", tiny, IMAGE)
    ident = docker.run(*SLEEPER).strip()
    number = own.pid()
    assert number is not None
    os.kill(number, signal.SIGKILL)
    until(lambda: own.pid() is None)
    assert own.socket.exists()
    with pytest.raises(EngineUnavailable, match="does not answer"):
        docker.run("ps")
    healed = find.ensure(allowed=False, say=machine.say)
    assert (healed.host, own.pid() not in (None, number)) == (own.host, True)
    assert healed.run("inspect", "--format", "{{.State.Status}}", ident).strip() in ("exited", "running")
    healed.run("start", ident)
    healed.run("rm", "--force", ident)
    assert healed.run("ps", "--all", "--quiet") == ""


def test_pid_files_of_other_programs_are_not_in_the_way(own: Daemon, machine: Machine) -> None:
    """After a power cut the numbers in pid files belong to other programs, which must live on."""
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        inner = own.exec_root / "containerd" / "containerd.pid"
        inner.parent.mkdir(parents=True)
        for path in (own.pid_file, inner):
            path.write_text(str(bystander.pid))
        start(own, machine)
        assert bystander.poll() is None
        assert own.pid() not in (None, bystander.pid)
    finally:
        bystander.kill()
        bystander.wait()


def test_what_keeps_an_engine_from_starting_is_said(own: Daemon, machine: Machine) -> None:
    own.home.mkdir(parents=True)
    (own.home / "data").write_text("a file where a folder must be")
    with pytest.raises(EngineUnavailable, match=r"dockerd did not start: .*data") as caught:
        start(own, machine)
    assert caught.value.remedy == f"see {own.log}"
    assert own.pid() is None


def test_a_home_whose_path_is_too_long_for_sockets_works(own: Daemon, machine: Machine) -> None:
    deep = Daemon(own.home / ("long" * 30))
    try:
        docker = daemon.start(deep, machine.client, machine.say)
        assert docker.run("ps", "--quiet") == ""
        assert len(str(deep.socket)) < 100
    finally:
        daemon.stop(deep)
        shutil.rmtree(deep.run, ignore_errors=True)


def test_names_that_do_not_exist_are_left_out(tiny: str, engine: Running) -> None:
    found = engine.client.inspect("image", ["no-such-image", IMAGE])
    assert [entry["RepoTags"] for entry in found] == [[f"{IMAGE}:latest"]]
    with pytest.raises(CommandFailed, match="ended with exit status 1"):
        engine.docker("image", "inspect", "no-such-image")


def test_this_hosts_archive_is_found_in_apts_configuration() -> None:
    assert install.debian_mirror().rstrip("/").endswith("/debian")
    suites = [suite for _, suite in install.debian_sources()]
    assert install.read_host().codename in suites


class Old(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Speaks(http.server.BaseHTTPRequestHandler):
    """What Docker 20.10 says to a client that asks who it is."""

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        facts = {"ApiVersion": "1.41", "MinAPIVersion": "1.12", "Version": "20.10.24", "Os": "linux", "Arch": "amd64"}
        self._answer(json.dumps(facts).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "a client"


def test_an_old_engine_is_refused_in_words(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real client talks to it as to any engine; the tool neither uses nor replaces it."""
    with Old(str(tmp_path / "old.sock"), Speaks) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'old.sock'}")
        uses: list[Callable[[], Docker]] = [find.running, lambda: find.ensure(allowed=True, say=machine.say)]
        for use in uses:
            with pytest.raises(EngineUnavailable, match=r"is Docker 20\.10\.24 \(API 1\.41\); API 1\.44 .* is needed"):
                use()
        server.shutdown()


def _processes_of(own: Daemon) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_text(errors="replace").split("\0")
        except OSError:
            continue  # It ended meanwhile.
        if any(word.startswith(str(own.home)) for word in words):
            found.append(" ".join(words))
    return found
