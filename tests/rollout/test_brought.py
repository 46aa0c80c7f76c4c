"""What a supervisor has brought by itself is what a deploy goes back to: exactly as it runs, by a name of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from release.made import SHA, contents, record, shelve
from rollout.fleets import usual
from rollout.test_compose import HOST

from dockwright.build.store import Stored
from dockwright.cli.verbs import rollback
from dockwright.engine.docker import Docker
from dockwright.release import health
from dockwright.release.record import Record
from dockwright.release.shelf import Shelf
from dockwright.rollout import brought, compose, journal, kept
from dockwright.rollout.choice import choose
from dockwright.rollout.desired import desired
from dockwright.rollout.place import Place
from dockwright.rollout.site import Site
from dockwright.rollout.target import Seen
from dockwright.rollout.way_back import WayBack, way_back
from dockwright.spec.address import Address
from dockwright.spec.model import Instance

CHOICE = choose(usual(), "mainpc", gpu=False)
CALLER, SUPERVISOR = Instance("Caller", "mainpc"), Instance("SelfHealingSupervisor", "mainpc")
REGISTRY = "registry.example:5443/elsewhere"


def name(number: int) -> str:
    return f"2026112{number}-{SHA[:12]}"


@dataclass
class Supervisor:
    """A machine on which every port answers: /v1/follow with what is `said`, /health with what is `well`."""

    port: int = 0
    said: dict[str, Any] = field(default_factory=dict)
    well: bool = True
    asked: int = 0


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    told = Supervisor()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            follow = self.path == "/v1/follow"
            told.asked += follow
            self.send_response(200 if follow or told.well else 503)
            self.end_headers()
            self.wfile.write(json.dumps(told.said if follow else {}).encode())

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Machine:
    """mainpc, to which releases were rolled out; each release after the first has another image of Caller."""

    site: Site
    shelf: Shelf
    supervisor: Supervisor

    def record(self, number: int) -> Record:
        return self.shelf.find(name(number))

    def digest(self, number: int, each: Instance = CALLER) -> str:
        return self.record(number).contents.instances[each.name].digest

    def rolled_out(self, number: int, hours: int = -24) -> None:
        """A release is kept, running, what is desired, and was seen healthy so many hours from now."""
        pictures = {each: self.record(number).contents.instances[each.name] for each in CHOICE.all}
        images = {each: Stored(one.digest, one.reference, SHA, name(number), one.input_digest)
                  for each, one in pictures.items()}  # fmt: skip
        named = {each: f"{one.reference.rpartition(':')[0]}@{one.digest}" for each, one in images.items()}
        follow = {"registry": REGISTRY, "release": "latest"}
        origin = {"git_sha": SHA, "tag": name(number)}
        rows = desired(usual(), CHOICE, images, datetime(2026, 11, 24, tzinfo=UTC), origin, follow)
        instances: Any = rows["instances"]
        rows["instances"] = [{**row, "port": self.supervisor.port, "health_port": self.supervisor.port}
                             for row in instances]  # fmt: skip
        content = compose.render(usual(), CHOICE, named, HOST)
        for folder in (name(number), kept.UP):
            path = kept.folder(self.site.place, folder) / "compose.yaml"
            kept.write(self.site.place, folder, compose.text(content, path, "unix:///x", "deploy"), rows)
        self.site.place.write_desired(rows)
        health.note(self.shelf, "mainpc", self.running(number), datetime.now(UTC) + timedelta(hours=hours))

    def running(self, number: int) -> dict[str, str]:
        return {each.name: self.digest(number, each) for each in CHOICE.all}

    def seen(self, number: int) -> list[Seen]:
        return [Seen(each, "mainpc", self.digest(number, each), "", "running") for each in CHOICE.all]

    def says(self, number: int, **more: Any) -> None:
        """The supervisor has brought a release."""
        said = {"release": name(number), "images": {"Caller": self.digest(number)}, "attempt": None}
        self.supervisor.said = {**said, **more}

    def back(self, trying: int, runs: int) -> WayBack:
        """The way back of a deploy of one release, where another one runs."""
        return way_back({"mainpc": self.site}, self.shelf, self.record(trying), self.seen(runs))

    def deployed(self, number: int, back_to: str, end: str) -> None:
        facts = {"machines": ["mainpc"], "back_to": {"mainpc": back_to}}
        begun = journal.here().begin("deploy", name(number), "", facts)
        if end:
            journal.here().note(begun, end)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, supervisor: Supervisor) -> Machine:
    """A machine to which the first release was rolled out."""
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path))
    shelf = Shelf(tmp_path / "releases")
    words = dict.fromkeys((each.name for each in CHOICE.all), "1")
    shelve(shelf, (record(name(one), contents(words | {CALLER.name: str(one)}), one) for one in (1, 2, 3)))
    address = Address.model_validate({"engine": "tcp://192.0.2.1:2376", "host": "127.0.0.1"})
    site = Site("mainpc", address, Docker(Path("docker"), "tcp://192.0.2.1:2376"), Place(tmp_path / "mainpc"))
    made = Machine(site, shelf, supervisor)
    made.rolled_out(1)
    return made


def test_what_was_rolled_out_is_the_way_back_where_nothing_was_brought(machine: Machine) -> None:
    machine.says(1, release="")
    assert machine.back(2, runs=1).names == {"mainpc": name(1)}
    machine.supervisor.said = {}
    assert machine.back(2, runs=1).names == {"mainpc": name(1)}
    assert machine.supervisor.asked == 2


def test_what_the_supervisor_brought_is_the_way_back(machine: Machine) -> None:
    machine.says(2)
    back = machine.back(3, runs=2)
    assert back.names == {"mainpc": f"{name(2)}-followed"}
    assert str(back) == f"{name(2)} (as the supervisor brought it)"
    target = back.targets[CALLER]
    assert (target.image, target.release) == (machine.digest(2), f"{name(2)}-followed")
    assert target.reference == f"{REGISTRY}/caller@{machine.digest(2)}", "as the machine knows it"
    first = kept.read(machine.site.place, "mainpc", name(1))
    assert first is not None
    assert {each: one.config for each, one in back.targets.items()} == {
        each: one.config for each, one in first.targets.items()
    }
    assert back.targets[SUPERVISOR].reference == first.targets[SUPERVISOR].reference


def test_its_files_are_those_that_were_rolled_out_but_for_the_image(machine: Machine) -> None:
    machine.says(2)
    one = machine.back(3, runs=2).kept["mainpc"]
    before = yaml.safe_load(machine.site.place.compose.read_text())
    before["services"]["caller"]["image"] = f"{REGISTRY}/caller@{machine.digest(2)}"
    assert yaml.safe_load(one.compose.read_text()) == before
    assert str(one.compose) in one.compose.read_text(), "it says how to use it by hand"
    row, picture = one.rows()[CALLER], machine.record(2).contents.instances[CALLER.name]
    assert (row["tag"], row["image"], row["input_digest"]) == (name(2), picture.reference, picture.input_digest)
    assert one.desired["tag"] == name(2)
    told = {Instance(row["service"], row["machine"]): row for row in machine.site.place.told()}
    assert {each: row for each, row in one.rows().items() if each != CALLER} == {
        each: row for each, row in told.items() if each != CALLER
    }


def test_a_release_that_is_not_known_here_is_gone_back_to_all_the_same(machine: Machine) -> None:
    digest = "sha256:" + "e" * 64
    machine.says(1, release="20261124-eeeeeeeeeeee", images={"Caller": digest})
    seen = [one for one in machine.seen(1) if one.instance != CALLER]
    back = way_back({"mainpc": machine.site}, machine.shelf, machine.record(2), seen)
    assert back.names == {"mainpc": "20261124-eeeeeeeeeeee-followed"}
    assert back.targets[CALLER].image == digest
    image = str(back.kept["mainpc"].rows()[CALLER]["image"])
    assert image.endswith(":20261124-eeeeeeeeeeee-mainpc"), "not the tag of another image"


def test_what_is_only_being_tried_is_no_way_back(machine: Machine) -> None:
    machine.says(2, attempt={"name": name(2), "services": ["Caller"]})
    assert machine.back(3, runs=2).names == {"mainpc": name(1)}


def test_its_word_counts_for_nothing_that_runs_otherwise(machine: Machine) -> None:
    machine.says(2)
    assert machine.back(3, runs=1).names == {"mainpc": name(1)}


def test_files_of_two_rollouts_are_no_way_back(machine: Machine) -> None:
    machine.says(2)
    machine.site.place.compose.write_text("services: {}")
    assert machine.back(3, runs=2).names == {"mainpc": name(1)}


def test_what_was_brought_and_is_healthy_is_noted_so(machine: Machine) -> None:
    machine.says(2)
    machine.supervisor.well = False
    assert machine.back(3, runs=2).names == {"mainpc": f"{name(2)}-followed"}
    assert "mainpc" not in health.read(machine.shelf).seen.get(name(2), {})
    machine.supervisor.well = True
    machine.back(3, runs=2)
    assert "mainpc" in health.read(machine.shelf).seen[name(2)]


def test_it_stays_the_way_back_once_something_was_taken_back_to_it(machine: Machine) -> None:
    machine.says(2)
    back = machine.back(3, runs=2)
    machine.deployed(3, back.names["mainpc"], "taken back")
    machine.site.place.write_desired(dict(back.kept["mainpc"].desired))
    machine.supervisor.said = {"release": "", "images": {}, "attempt": None}  # what it brought is what is told now
    assert machine.back(3, runs=2).names == back.names
    machine.rolled_out(1, hours=1)  # by `up`
    assert machine.back(3, runs=1).names == {"mainpc": name(1)}


@pytest.mark.parametrize("end", ["", "stopped"])
def test_a_deploy_that_was_cut_off_still_has_its_way_back_and_nobody_is_asked(machine: Machine, end: str) -> None:
    machine.says(2)
    back = machine.back(3, runs=2)
    machine.deployed(3, back.names["mainpc"], end)
    machine.says(3)
    asked = machine.supervisor.asked
    assert machine.back(3, runs=3).names == back.names
    assert machine.supervisor.asked == asked
    assert machine.back(2, runs=3).names == {"mainpc": name(1)}, "not to what is gone back to already"


def test_a_deploy_that_is_done_has_no_way_back_left(machine: Machine) -> None:
    machine.says(2)
    machine.deployed(3, machine.back(3, runs=2).names["mainpc"], "done")
    machine.rolled_out(3, hours=1)
    machine.supervisor.said = {}
    assert machine.back(2, runs=3).names == {"mainpc": name(3)}


def test_a_release_is_kept_as_it_was_rolled_out_or_else_as_it_was_brought(machine: Machine) -> None:
    place = machine.site.place
    assert brought.of(place, "mainpc", name(2)) is None
    machine.says(2)
    machine.back(3, runs=2)
    found = brought.of(place, "mainpc", name(2))
    assert found is not None
    assert found.release == f"{name(2)}-followed"
    same = found.called(name(2))
    assert same.release == name(2)
    assert {target.release for target in same.targets.values()} == {name(2)}
    machine.rolled_out(2)
    again = brought.of(place, "mainpc", name(2))
    assert again is not None
    assert again.release == name(2)


def test_what_is_told_follows_what_was_brought(machine: Machine) -> None:
    machine.says(2)
    one = machine.back(3, runs=2).kept["mainpc"]
    told = {Instance(row["service"], row["machine"]): row for row in machine.site.place.told()}
    container = str(told[CALLER]["container"])
    by_hand: Mapping[str, str] = {container: "sha256:" + "f" * 64}
    for running, expected in (
        ({container: machine.digest(2)}, one.rows()[CALLER]),
        (by_hand, told[CALLER]),
        ({}, told[CALLER]),
    ):
        rows = {Instance(row["service"], row["machine"]): row for row in brought.as_run(told, running, [one])}
        assert rows[CALLER] == expected
        assert {each: row for each, row in rows.items() if each != CALLER} == {
            each: row for each, row in told.items() if each != CALLER
        }


def test_rollback_goes_before_what_the_supervisor_brought(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def last(runs: int) -> str:
        monkeypatch.setattr("dockwright.rollout.deploying.seen", lambda _: machine.seen(runs))
        return rollback._last(machine.shelf, (), lambda: {"mainpc": machine.site}).name

    machine.rolled_out(2, hours=-12)
    machine.deployed(2, name(1), "done")
    machine.supervisor.said = {}
    assert last(runs=2) == name(1)
    machine.says(3)
    assert last(runs=3) == name(2)
    machine.deployed(1, f"{name(3)}-followed", "")
    assert last(runs=3) == name(3), "what was cut off was to go back to it"
