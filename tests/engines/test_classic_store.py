"""An engine as most hosts have it, with a graph driver for its images: it reads no OCI layouts, and builds as well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockwright.engine import daemon, find
from dockwright.engine.docker import Docker
from engines.conftest import Machine, Running
from engines.fleet import Fleet
from engines.registry import Registry

pytestmark = [pytest.mark.engines, pytest.mark.timeout(900)]


class Classic(daemon.Daemon):
    def config(self) -> dict[str, object]:
        return {**super().config(), "features": {"containerd-snapshotter": False}}


@pytest.fixture(scope="module")
def classic(engine: Running, machine: Machine) -> Iterator[Docker]:
    """Two engines in one network would fight for it: the tests' usual one rests meanwhile."""
    daemon.stop(find.own_daemon())
    other = Classic(machine.folder / "classic")
    other.home.mkdir()
    try:
        yield daemon.start(other, machine.client, machine.say)
        daemon.stop(other)
    finally:
        daemon.start(find.own_daemon(), machine.client, machine.say)


def test_it_builds_on_a_root_that_is_loaded_into_it(classic: Docker) -> None:
    assert classic.image_store == "graph driver"
    fleet = Fleet(classic, environ={"DOCKER_HOST": classic.host})
    done = fleet.run("build", "--json", "base-python")
    assert done.returncode == 0, done.stderr
    (image,) = json.loads(done.stdout)["images"]
    assert image["built"]
    said = classic.run("run", "--rm", "--network=none", image["reference"], "python3", "-c", "print('good')")
    assert said == "good\n"
    again = json.loads(fleet.run("build", "--json", "base-python").stdout)
    assert [one["built"] for one in again["images"]] == [False]


def test_what_it_pushes_another_engine_takes(
    classic: Docker, other_engine: Docker, registry: Registry, checkout: Path
) -> None:
    here = Fleet(classic, checkout, {"DOCKER_HOST": classic.host, "DOCKWRIGHT_REGISTRY": str(registry.place)})
    assert here.run("build", "base-python").returncode == 0
    for was_there in (False, True):
        done = here.run("push", "--json", "base-python")
        assert done.returncode == 0, done.stderr
        (pushed,) = json.loads(done.stdout)["images"]
        assert (pushed["was_there"], pushed["moved"] > 0) == (was_there, not was_there)
    there = Fleet(other_engine, checkout, {**here.environ, "DOCKER_HOST": other_engine.host})
    done = there.run("build", "--json", "base-python")
    assert done.returncode == 0, done.stderr
    (image,) = json.loads(done.stdout)["images"]
    assert (image["how"], image["digest"]) == ("pulled", pushed["digest"])
