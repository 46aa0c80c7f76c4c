"""Which engine is used: the user's choice, the tool's own, the context's, the system's; and what is said otherwise."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from engine.programs import client

from dockwright.engine import find, install
from dockwright.engine.docker import Docker
from dockwright.errors import EngineUnavailable

NEW = json.dumps({"ApiVersion": "1.45", "Version": "26.1.5"})
OLD = json.dumps({"ApiVersion": "1.41", "Version": "20.10.24"})


def quiet(_: str) -> None:
    pass


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose only docker client is what a test puts into this folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("DOCKER_HOST")

    def found() -> list[Path]:
        return [path for path in (folder / "docker",) if path.exists()]

    monkeypatch.setattr(find, "clients", found)
    for module in (find, install):
        monkeypatch.setattr(module, "capable_client", lambda: next(iter(found()), None))
    return folder


def test_the_users_choice_is_the_only_one(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2376")
    assert list(find.candidates(client(bare))) == ["tcp://192.0.2.1:2376"]


def test_otherwise_its_own_then_the_contexts_then_the_systems(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = find.own_daemon().host
    monkeypatch.setenv("FAKE_CONTEXT", "ssh://pc2")
    assert list(find.candidates(client(bare))) == [own, "ssh://pc2", "unix:///var/run/docker.sock"]
    monkeypatch.setenv("FAKE_CONTEXT", "unix:///var/run/docker.sock")
    assert list(find.candidates(client(bare))) == [own, "unix:///var/run/docker.sock"]
    monkeypatch.setenv("FAKE_CONTEXT", "")
    assert list(find.candidates(client(bare))) == [own, "unix:///var/run/docker.sock"]


def test_an_old_engine_is_refused_with_its_version_and_what_is_needed() -> None:
    old = Docker(Path("docker"), "unix:///x", (1, 41), "20.10.24")
    assert find.lacking(old) == (
        "the engine at unix:///x is Docker 20.10.24 (API 1.41); API 1.44 (Docker 25) or newer is needed"
    )
    assert find.lacking(Docker(Path("docker"), "unix:///x", (1, 44), "25.0.0")) == ""
    assert find.lacking(Docker(Path("docker"), "unix:///x", (1, 100), "40.0.0")) == ""


def test_an_old_engine_that_runs_is_never_replaced(bare: Path) -> None:
    client(bare, server=OLD)
    uses: list[Callable[[], Docker]] = [find.running, lambda: find.ensure(allowed=True, say=quiet)]
    for use in uses:
        with pytest.raises(EngineUnavailable, match=r"is Docker 20\.10\.24 \(API 1\.41\)") as caught:
            use()
        assert caught.value.remedy == "upgrade that engine, or set DOCKER_HOST to another one"


def test_an_able_engine_is_used_as_it_is(bare: Path) -> None:
    path = client(bare, server=NEW)
    said: list[str] = []
    docker = find.ensure(allowed=False, say=said.append)
    assert (docker.program, docker.engine_version, said) == (path, "26.1.5", [])
    assert find.running() == docker


def test_without_an_engine_running_says_what_brings_one(bare: Path) -> None:
    for made in (False, True):
        if made:
            client(bare)
        with pytest.raises(EngineUnavailable, match="no Docker engine answers") as caught:
            find.running()
        assert caught.value.remedy == "./dockwright up installs and starts one"
        assert caught.value.exit_code == 3


def test_a_chosen_engine_that_does_not_answer_is_not_replaced(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client(bare)
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2376")
    with pytest.raises(EngineUnavailable, match=r"no engine answers at DOCKER_HOST=tcp://192\.0\.2\.1:2376") as caught:
        find.ensure(allowed=True, say=quiet)
    assert caught.value.remedy == "start it, or unset DOCKER_HOST"


def test_only_root_starts_an_engine(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client(bare)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(EngineUnavailable, match="only root can start one") as caught:
        find.ensure(allowed=True, say=quiet)
    assert caught.value.remedy == "run as root, or start Docker"
