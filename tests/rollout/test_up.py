"""What `up` decides before it touches anything: the machine that this host plays, its engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from rollout.fleets import usual

from dockwright.engine.docker import Docker
from dockwright.errors import EngineUnavailable, UsageError
from dockwright.rollout.place import Place
from dockwright.rollout.up import local_socket, pick_machine

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


@pytest.mark.parametrize("host", ["tcp://192.0.2.1:2376", "ssh://user@host", "unix:///nonexistent/docker.sock"])
def test_an_engine_elsewhere_cannot_see_this_hosts_files(host: str) -> None:
    with pytest.raises(EngineUnavailable, match="not on this host"):
        local_socket(Docker(Path("docker"), host))


def test_the_socket_is_the_one_behind_a_link(tmp_path: Path) -> None:
    """A link would be bound into the filter as a link to nowhere."""
    (tmp_path / "real.sock").touch()
    (tmp_path / "docker.sock").symlink_to("real.sock")
    assert local_socket(Docker(Path("docker"), f"unix://{tmp_path}/docker.sock")) == tmp_path / "real.sock"
