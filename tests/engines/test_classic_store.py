"""An engine as most hosts have it, with a graph driver for its images: it cannot read OCI layouts, and builds as well."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from dockwright.engine import daemon, find
from dockwright.engine.docker import Docker
from engines.conftest import Machine, Running
from engines.fleet import Fleet

pytestmark = [pytest.mark.engines, pytest.mark.timeout(900)]


class Classic(daemon.Daemon):
    def config(self) -> dict[str, object]:
        return {**super().config(), "features": {"containerd-snapshotter": False}}


@pytest.fixture
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
