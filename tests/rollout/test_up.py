"""What `up` decides before it touches anything: the machine that this host plays, its engine, its ports."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from rollout.engine import Recorded, container
from rollout.fleets import Given, fleet, usual
from rollout.listeners import free_port

from dockwright.engine.docker import Docker
from dockwright.errors import DockwrightError, EngineUnavailable, UsageError
from dockwright.rollout.choice import choose
from dockwright.rollout.place import Place
from dockwright.rollout.up import check_ports, local_socket, pick_machine

RTX_3060 = "NVIDIA GeForce RTX 3060"
A6000 = "NVIDIA RTX A6000"


@pytest.mark.parametrize(
    ("named", "last", "cards", "expected"),
    [
        ("pc3", "pc2", [RTX_3060], "pc3"),
        (None, "pc3", [RTX_3060], "pc3"),
        (None, None, [RTX_3060], "pc2"),
        (None, None, [A6000], "pc3"),
        (None, None, ["NVIDIA GeForce RTX 2080"], "mainpc"),
        (None, None, [], "mainpc"),
        (None, "a machine of long ago", [RTX_3060], "pc2"),
        (None, 7, [], "mainpc"),
    ],
    ids=["named", "last", "card", "letters-and-digits", "other-card", "first", "last-is-gone", "last-is-no-text"],
)
def test_the_machine_that_this_host_plays(
    named: str | None, last: object, cards: list[str], expected: str, tmp_path: Path
) -> None:
    place = Place(tmp_path)
    if last is not None:
        place.write_desired({"machine": last})
    assert pick_machine(usual(), named, place, cards) == expected


def test_a_machine_that_is_not_declared_is_an_error_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no machine is called 'pc9'") as raised:
        pick_machine(usual(), "pc9", Place(tmp_path), [])
    assert raised.value.remedy == "choose from mainpc, pc2, pc3"


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def check(folder: Path, *services: Given, containers: list[dict[str, object]] | None = None) -> None:
    made = fleet(services)
    check_ports(Recorded(folder, containers or []).docker, made, choose(made, "mainpc", gpu=False), "127.0.0.1")


def test_free_ports_are_fine(tmp_path: Path) -> None:
    check(tmp_path, Given("Alpha", ports=(free_port(), free_port())))


def test_every_port_that_another_program_holds_is_named(tmp_path: Path, listening: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        other, free = server.getsockname()[1], free_port()
        with pytest.raises(DockwrightError) as raised:
            check(tmp_path, Given("Alpha", ports=(listening, free)), Given("Beta", ports=(free_port(), other)))
    for told in (f"{listening} for Alpha (service)", f"{other} for Beta (health)"):
        assert told in str(raised.value)
    assert str(free) not in str(raised.value)
    assert f"sport = :{min(listening, other)}" in raised.value.remedy


def published(port: int, restart: str = "no") -> dict[str, object]:
    bound = {"7000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}
    return {"PortBindings": bound, "RestartPolicy": {"Name": restart}}


def test_a_container_that_the_engine_is_about_to_start_holds_its_ports(tmp_path: Path, listening: int) -> None:
    ended = container("dockwright-alpha", Status="exited")
    ended["HostConfig"] = published(listening, restart="always")
    check(tmp_path, Given("Alpha", ports=(listening, free_port())), containers=[ended])


def test_ports_that_the_fleets_own_containers_publish_are_not_in_the_way(tmp_path: Path, listening: int) -> None:
    running = container("dockwright-alpha")
    running["HostConfig"] = published(listening)
    check(tmp_path, Given("Alpha", ports=(listening, free_port())), containers=[running])


def test_a_container_that_has_ended_holds_no_port(tmp_path: Path, listening: int) -> None:
    ended = container("dockwright-alpha", Status="exited")
    ended["HostConfig"] = published(listening)
    with pytest.raises(DockwrightError, match=f"{listening} for Alpha"):
        check(tmp_path, Given("Alpha", ports=(listening, free_port())), containers=[ended])


def test_ports_of_what_does_not_run_here_do_not_matter(tmp_path: Path, listening: int) -> None:
    check(tmp_path, Given("Alpha"), Given("Other", ("pc2",), ports=(listening, free_port())))


@pytest.mark.parametrize("host", ["tcp://192.0.2.1:2376", "ssh://user@host", "unix:///nonexistent/docker.sock"])
def test_an_engine_elsewhere_cannot_see_this_hosts_files(host: str) -> None:
    with pytest.raises(EngineUnavailable, match="not on this host"):
        local_socket(Docker(Path("docker"), host))


def test_the_socket_is_the_one_behind_a_link(tmp_path: Path) -> None:
    """A link would be bound into the filter as a link to nowhere."""
    (tmp_path / "real.sock").touch()
    (tmp_path / "docker.sock").symlink_to("real.sock")
    assert local_socket(Docker(Path("docker"), f"unix://{tmp_path}/docker.sock")) == tmp_path / "real.sock"
