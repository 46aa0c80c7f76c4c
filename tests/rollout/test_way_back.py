"""The way back of each machine is what was healthy on it last, whatever was healthy on others."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from release.made import SHA, contents, record, shelve
from rollout.fleets import stored, usual
from rollout.test_compose import HOST

from dockwright.engine.docker import Docker
from dockwright.release import health
from dockwright.release.shelf import Shelf
from dockwright.rollout import compose, kept
from dockwright.rollout.choice import choose
from dockwright.rollout.desired import desired
from dockwright.rollout.place import Place
from dockwright.rollout.site import Site
from dockwright.rollout.way_back import WayBack, way_back
from dockwright.spec.address import Address
from dockwright.spec.model import Instance

BUS = Instance("CentralErrorBus", "pc2")
INSTANCES = ("mainpc/Caller", "pc2/Loner")


def name(number: int) -> str:
    return f"2026112{number}-{SHA[:12]}"


@pytest.fixture(autouse=True)
def nothing_deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path / "state"))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    made = Shelf(tmp_path / "releases")
    shelve(made, (record(name(number), contents(dict.fromkeys(INSTANCES, str(number))), number) for number in range(4)))
    return made


@pytest.fixture
def sites(tmp_path: Path) -> dict[str, Site]:
    docker = Docker(Path("docker"), "unix:///nonexistent.sock")
    address = Address.model_validate({"engine": "tcp://192.0.2.1:2376"})
    return {machine: Site(machine, address, docker, Place(tmp_path / machine)) for machine in ("mainpc", "pc2")}


def keep(site: Site, release: str, *reached: str) -> None:
    """Render a release for a machine; machines that are not `reached` may have guests here."""
    choice = choose(usual(), site.machine, gpu=False, reached=reached)
    images = {each: stored(each) for each in choice.all}
    named = {each: f"{one.reference.rpartition(':')[0]}@{one.digest}" for each, one in images.items()}
    now = datetime(2026, 11, 24, tzinfo=UTC)
    rows = desired(usual(), choice, images, now, {"git_sha": "0" * 40, "tag": release})
    if release == kept.UP:
        site.place.write_desired(rows)
    content = compose.render(usual(), choice, named, HOST)
    kept.write(site.place, release, compose.text(content, Path("c.yaml"), "unix:///x", "deploy"), rows)


def healthy(shelf: Shelf, number: int, machine: str) -> None:
    instances = shelf.find(name(number)).contents.instances
    running = {each: instances[each].digest for each in INSTANCES if each.startswith(machine)}
    assert health.note(shelf, machine, running, datetime(2026, 11, 24, number, tzinfo=UTC))


def back(sites: dict[str, Site], shelf: Shelf, number: int) -> WayBack:
    return way_back(sites, shelf, shelf.find(name(number)), [])


def test_nothing_was_healthy_yet(sites: dict[str, Site], shelf: Shelf) -> None:
    found = back(sites, shelf, 1)
    assert (str(found), found.names, found.targets) == ("", {}, {})


def test_what_up_rolled_out_is_the_way_back_of_its_machine_alone(sites: dict[str, Site], shelf: Shelf) -> None:
    keep(sites["mainpc"], kept.UP)
    assert str(back(sites, shelf, 1)) == "up"
    assert back(sites, shelf, 1).names == {"mainpc": "up"}


def test_each_machine_goes_back_to_its_own_last_healthy_release(sites: dict[str, Site], shelf: Shelf) -> None:
    for number in (1, 2, 3):
        keep(sites["mainpc"], name(number), "pc2")
        keep(sites["pc2"], name(number), "mainpc")
    for machine in sites:
        healthy(shelf, 1, machine)
    assert str(back(sites, shelf, 3)) == name(1)
    healthy(shelf, 2, "pc2")
    found = back(sites, shelf, 3)
    assert found.names == {"mainpc": name(1), "pc2": name(2)}
    assert str(found) == f"{name(1)} on mainpc and {name(2)} on pc2"
    assert found.targets[BUS].release == name(2)
    assert back(sites, shelf, 2).names == {"mainpc": name(1), "pc2": name(1)}, "not to what is just tried"
    assert back({"mainpc": sites["mainpc"]}, shelf, 1).names == {"mainpc": name(1)}, "where there is no other"


def test_a_guest_is_no_way_back_for_the_one_at_home(sites: dict[str, Site], shelf: Shelf) -> None:
    keep(sites["mainpc"], kept.UP)
    keep(sites["pc2"], name(1), "mainpc")
    healthy(shelf, 1, "pc2")
    found = back(sites, shelf, 2)
    assert found.kept["mainpc"].targets[BUS].host == "mainpc"
    assert found.targets[BUS].host == "pc2"
