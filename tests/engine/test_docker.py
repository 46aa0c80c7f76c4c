"""Clients are found and judged by what they can do; an engine is what answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from engine.programs import client, program
from hypothesis import given
from hypothesis import strategies as st

from dockwright.engine.docker import Docker, capable_client, clients, connect, plugin_version, version_of
from dockwright.errors import CommandFailed, EngineUnavailable

SERVER = json.dumps({"ApiVersion": "1.45", "Version": "26.1.5+dfsg1"})


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("github.com/docker/buildx 0.13.1 0.13.1+ds1-3", (0, 13)),
        ("github.com/docker/buildx v0.29.1-desktop.1 9a1a3b2", (0, 29)),
        ("Docker Compose version v2.39.4", (2, 39)),
        ("Docker Compose version 2.26.1-4", (2, 26)),
        ("1.44", (1, 44)),
        ("1.100", (1, 100)),
        ("no number here", (0, 0)),
        ("", (0, 0)),
    ],
)
def test_versions_are_read_out_of_words(text: str, version: tuple[int, int]) -> None:
    assert version_of(text) == version


@given(st.integers(0, 999), st.integers(0, 999))
def test_versions_compare_as_numbers(major: int, minor: int) -> None:
    assert version_of(f"v{major}.{minor}.3") == (major, minor)


def test_the_nearest_client_comes_first_and_each_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    near, far = client(tmp_path / "near"), client(tmp_path / "far")
    monkeypatch.setenv("PATH", f"{near.parent}:{tmp_path / 'empty'}::{far.parent}:{near.parent}")
    assert [path for path in clients() if path.is_relative_to(tmp_path)] == [near, far]


def test_a_bare_client_that_shadows_the_packaged_one_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client(tmp_path / "bare", buildx="", compose="")
    client(tmp_path / "old", buildx="github.com/docker/buildx v0.11.2 x")
    client(tmp_path / "half", compose="")
    good = client(tmp_path / "good")
    monkeypatch.setenv("PATH", ":".join(str(tmp_path / name) for name in ("bare", "old", "half", "good")))
    assert capable_client() == good


def test_a_client_that_cannot_be_started_has_no_plugins(tmp_path: Path) -> None:
    assert plugin_version(tmp_path / "nothing", "buildx") == (0, 0)


def test_an_answering_engine_is_described(tmp_path: Path) -> None:
    docker = connect(client(tmp_path, server=SERVER), "unix:///run/some.sock")
    assert docker is not None
    assert (docker.api, docker.engine_version, docker.image_store) == ((1, 45), "26.1.5+dfsg1", "containerd")
    assert docker.socket == Path("/run/some.sock")
    assert docker.env()["DOCKER_HOST"] == "unix:///run/some.sock"


def test_an_engine_elsewhere_has_no_socket_here() -> None:
    assert Docker(Path("docker"), "ssh://pc2").socket is None


@pytest.mark.parametrize("server", ["", "null", "[]", "<html>", '"text"'])
def test_what_gives_no_sense_does_not_answer(tmp_path: Path, server: str) -> None:
    assert connect(client(tmp_path, server=server), "unix:///nowhere") is None


def test_an_engine_that_went_away_is_told_from_a_command_that_failed(tmp_path: Path) -> None:
    gone = "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?"
    docker = Docker(program(tmp_path, "docker", f"echo '{gone}' >&2; exit 1"), "unix:///x")
    with pytest.raises(EngineUnavailable, match="the Docker engine at unix:///x does not answer"):
        docker.run("ps", check=False)
    docker = Docker(program(tmp_path, "docker", "echo 'no such thing' >&2; exit 1"), "unix:///x")
    with pytest.raises(CommandFailed) as caught:
        docker.run("rm", "thing")
    assert caught.value.output == "no such thing"
    assert docker.run("rm", "thing", check=False) == ""


def test_json_lines_are_objects_and_empty_lines_nothing(tmp_path: Path) -> None:
    docker = Docker(program(tmp_path, "docker", """printf '{"a":1}\\n\\n{"a":2}\\n'"""), "unix:///x")
    assert docker.json_lines("ps", "--format", "json") == [{"a": 1}, {"a": 2}]


def test_nothing_is_inspected_without_a_name(tmp_path: Path) -> None:
    assert Docker(tmp_path / "nothing", "unix:///x").inspect("image", []) == []
