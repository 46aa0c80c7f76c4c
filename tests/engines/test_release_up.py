"""Releases of the real slice: locked, built and run as their user does it, once with a package more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dockwright.engine import daemon, find
from engines import standins
from engines.conftest import Machine, Running
from engines.fleet import Fleet
from engines.standins import Checkout

pytestmark = [pytest.mark.engines, pytest.mark.timeout(1200)]
TWIN = "mainpc/SystemDigitalTwin"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return standins.checkout(tmp_path_factory.mktemp("release-up"))


@pytest.fixture(scope="module")
def tool(engine: Running, machine: Machine, made: Checkout) -> Iterator[Fleet]:
    """The slice, up and healthy from a checkout of its own."""
    fleet = Fleet(engine.client, made.root)
    fleet.up()
    yield fleet
    fleet.run("down", "--keep-engine", "--delete-state")
    daemon.start(find.own_daemon(), machine.client, machine.say)


def release(tool: Fleet, *words: str) -> Any:
    done = tool.run("release", *words, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_a_package_more_is_all_that_two_releases_differ_in(tool: Fleet, made: Checkout) -> None:
    """Made from a lock that the index has answered; noted as healthy when it was seen so, and not before."""
    first = release(tool, "create", "--partial")["release"]
    assert release(tool, "list")[0]["healthy"] == {}
    assert tool.up()["release"] == first["name"]
    assert set(release(tool, "list")[0]["healthy"]) == {"mainpc"}

    wants = made.root / "fleet" / "services" / "SystemDigitalTwin" / "requirements.in"
    wants.write_text(f"{wants.read_text()}\niniconfig==2.0.0\n")
    done = tool.run("lock", "SystemDigitalTwin")
    assert done.returncode == 0, done.stdout + done.stderr
    made.commit("a package more")
    up = tool.up()
    assert (up["built"], up["release"]) == ([TWIN], None)
    second = release(tool, "create", "--partial")["release"]
    assert tool.up()["release"] == second["name"]

    found = release(tool, "diff", "prev", "latest")
    assert (found["before"], found["after"]) == (first["name"], second["name"])
    (package,) = found["packages"]
    assert package == {
        **{"kind": "pypi", "name": "iniconfig", "before": "", "after": "2.0.0", "way": "added"},
        "instances": [TWIN],
    }
    (instance,) = found["instances"]
    assert (instance["name"], instance["same_inputs"]) == (TWIN, False)
    assert instance["size_after"] > instance["size_before"] > 0
    assert [one["name"] for one in found["locks"]] == ["fleet/services/SystemDigitalTwin/requirements.lock"]
    assert not any(found[part] for part in ("families", "roots", "profiles", "tickets", "left_out"))

    # All that the first release has stays, although it is neither the newest nor what runs.
    done = tool.run("prune", "images", "--keep", "1", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert not {item["digest"] for item in json.loads(done.stdout)["items"]} & _digests(first)
    assert tool.run("release", "show", first["name"], "--check").returncode == 0
    assert tool.well()


def _digests(record: dict[str, Any]) -> set[str]:
    return {one["digest"] for part in ("instances", "families") for one in record["contents"][part].values()}


def test_a_failed_gate_is_no_healthy_release(tool: Fleet, made: Checkout) -> None:
    app = made.root / "fleet" / "services" / "SystemDigitalTwin" / "system_digital_twin" / "app.py"
    app.write_text(app.read_text() + '\nraise RuntimeError("broken on purpose")\n')
    made.commit("broken on purpose")
    assert tool.run("up").returncode == 1
    third = release(tool, "create", "--partial")["release"]
    assert tool.run("up").returncode == 1
    healthy = {one["name"]: one["healthy"] for one in release(tool, "list")}
    assert healthy[third["name"]] == {}
    assert sum(bool(times) for times in healthy.values()) == 2
