"""Host ports: who holds one is named, the fleet's own containers are not in the way."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from rollout.engine import Recorded, container
from rollout.fleets import Given, fleet
from rollout.listeners import free_port

from dockwright.errors import DockwrightError, UsageError
from dockwright.rollout.choice import choose
from dockwright.rollout.place import Place
from dockwright.rollout.ports import busy
from dockwright.rollout.starting import free_ports


def numbers(bind: str, wanted: list[int]) -> list[int]:
    return [one.port for one in busy(bind, wanted)]


def test_a_port_is_busy_when_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        held, free = server.getsockname()[1], free_port()
        assert numbers("127.0.0.1", [free, held]) == [held]
        assert numbers("0.0.0.0", [free, held]) == [held]


def test_a_listener_at_every_address_holds_the_port_at_each() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        held = server.getsockname()[1]
        assert numbers("127.0.0.1", [held]) == [held]


def test_a_port_whose_last_connection_lingers_is_free() -> None:
    """What has just ended leaves connections in TIME_WAIT, and nobody in the way."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        taken, _ = server.accept()
        taken.close()  # The side that closes first lingers.
        client.close()
    assert numbers("127.0.0.1", [port]) == []


def test_an_address_of_another_host_is_no_busy_port() -> None:
    with pytest.raises(UsageError, match=r"192\.0\.2\.1 is no address of this host"):
        numbers("192.0.2.1", [free_port()])


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def check(folder: Path, *services: Given, containers: list[dict[str, object]] | None = None) -> None:
    made = fleet(services)
    docker = Recorded(folder, containers or []).docker
    choice = choose(made, "mainpc", gpu=False)
    assert free_ports(docker, made, choice, Place(folder), "127.0.0.1", print) is docker


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
    assert f"(process {os.getpid()})" in str(raised.value), "who holds them is named"
    assert "--bind" in raised.value.remedy


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
