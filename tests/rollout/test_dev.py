"""Services as processes: what each one reads at its start, and that nothing of it leaves loopback."""

from __future__ import annotations

import importlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from rollout.fleets import ORIGIN, SHA, usual

from dockwright.rollout import dev
from dockwright.spec.model import Instance

FLEET = usual()
REGISTRY = Instance("ServiceRegistry", "mainpc")
CALLER = Instance("Caller", "mainpc")
HELPER = Instance("Helper", "pc2")
RUNNING = [REGISTRY, CALLER, HELPER]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path))
    return tmp_path


def launch() -> dev.Launch:
    return dev.launch(FLEET, CALLER, RUNNING, Path("/env/bin/python"), Path("/checkout"), ORIGIN)


def read(path: str) -> Any:
    return json.loads(Path(path).read_text())


def test_each_service_plays_the_machine_that_is_asked_for_or_its_own() -> None:
    assert dev.instances(FLEET, ["ServiceRegistry", "Caller", "Helper"], "mainpc") == RUNNING
    assert dev.instances(FLEET, ["SelfHealingSupervisor"], "pc2") == [Instance("SelfHealingSupervisor", "pc2")]


def test_a_service_is_started_in_its_folder_as_in_its_image() -> None:
    made = launch()
    assert made.argv == ("/env/bin/python", "-m", "servicekit")
    assert made.folder == Path("/checkout/fleet/services/Caller")
    assert made.service == "Caller"


def test_the_facts_of_the_build() -> None:
    assert read(launch().env["DOCKWRIGHT_BUILD"]) == {
        "service": "Caller",
        "machine": "mainpc",
        "family": "base",
        "git_sha": SHA,
        "tag": "20261124-59b51f84018b-dev",
        "input_digest": "work tree",
        "port": 7003,
        "health_port": 8003,
    }


def test_everything_it_is_told_of_is_there() -> None:
    env = launch().env
    assert read(env["DOCKWRIGHT_PROFILE"]) == {"OMP_NUM_THREADS": 4}
    assert Path(env["DOCKWRIGHT_STATE_DIR"]).is_dir()
    assert env["DOCKWRIGHT_RUN_DIR"] == str(dev.place().run)
    assert env["DOCKWRIGHT_SECRETS_DIR"] == str(dev.place().token.parent)


def test_each_instance_has_a_state_of_its_own(state: Path) -> None:
    folders = {
        dev.launch(FLEET, each, RUNNING, Path("python"), Path("/checkout"), ORIGIN).env["DOCKWRIGHT_STATE_DIR"]
        for each in [*RUNNING, Instance("Caller", "pc2")]
    }
    assert len(folders) == 4
    assert all(Path(folder).is_relative_to(state) for folder in folders)


def test_it_listens_on_loopback_and_calls_its_peers_there() -> None:
    env = launch().env
    assert env["DOCKWRIGHT_BIND"] == "127.0.0.1"
    assert json.loads(env["DOCKWRIGHT_PEERS"]) == {
        "ServiceRegistry": {"mainpc": {"url": "http://127.0.0.1:7000", "health_url": "http://127.0.0.1:8000"}},
        "Helper": {"pc2": {"url": "http://127.0.0.1:7006", "health_url": "http://127.0.0.1:8006"}},
        "Caller": {"mainpc": {"url": "http://127.0.0.1:7003", "health_url": "http://127.0.0.1:8003"}},
    }


def test_peers_are_those_that_are_declared_and_run() -> None:
    assert set(dev.peers(FLEET, REGISTRY, RUNNING)) == {"ServiceRegistry"}, "it calls neither Caller nor Helper"
    assert set(dev.peers(FLEET, CALLER, [CALLER])) == {"Caller"}, "itself, to say where it is"


def test_the_supervisor_understands_what_is_desired() -> None:
    content = dev.desired(FLEET, RUNNING, "mainpc", ORIGIN)
    parse = importlib.import_module("self_healing_supervisor.desired").parse
    found = parse(json.dumps(content).encode())
    assert [(one.service, one.address, one.health_port) for one in found.instances] == [
        ("ServiceRegistry", "127.0.0.1", 8000), ("Caller", "127.0.0.1", 8003), ("Helper", "127.0.0.1", 8006),
    ]  # fmt: skip
    assert (content["machine"], content["tag"]) == ("mainpc", "20261124-59b51f84018b-dev")


def test_the_token_is_this_users_own_and_no_containers() -> None:
    place = dev.place()
    dev.token(place)
    facts = place.token.stat()
    assert (facts.st_uid, place.token.parent.stat().st_uid) == (os.getuid(), os.getuid())
    assert stat.S_IMODE(place.token.parent.stat().st_mode) == 0o700
    before = place.token.read_text()
    dev.token(place)
    assert place.token.read_text() == before
