"""`down` where no engine answers: it says what it cannot do, and what there is nothing of."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockwright.engine.docker import Docker
from engines.conftest import Machine
from engines.fleet import Fleet


@pytest.fixture
def fleet(machine: Machine, tmp_path: Path) -> Fleet:
    """The tool on a machine whose engine has gone."""
    host = f"unix://{tmp_path}/gone.sock"
    environ = {"DOCKER_HOST": host, "DOCKWRIGHT_STATE": str(tmp_path / "state")}
    return Fleet(Docker(machine.client, host), environ=environ)


def test_nobody_is_told_that_something_is_deleted_that_is_not(fleet: Fleet) -> None:
    for words in (("--delete-state",), ("--delete-state", "--json")):
        done = fleet.run("down", *words)
        assert done.returncode == 3
        assert done.stdout == ""
        said = done.stderr.splitlines()
        assert said[0] == "dockwright: what services keep cannot be deleted: no Docker engine answers"
        assert said[1] == "  -> ./dockwright up, then down --delete-state"
        assert len(said) == 2


def test_without_an_engine_nothing_of_the_fleet_runs(fleet: Fleet) -> None:
    done = fleet.run("down")
    assert (done.returncode, done.stdout, done.stderr) == (0, "nothing of the fleet runs here\n", "")
