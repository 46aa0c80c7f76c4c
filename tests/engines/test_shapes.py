"""The blueprint's canonical shapes that need no card: CPU-oriented and legacy, each built for both machines and run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dockwright.spec.load import load_fleet
from dockwright.spec.model import PROFILE_KEYS, Fleet
from engines import billed, locked, shapes, standins
from engines.conftest import Running
from engines.fleet import Fleet as Tool

pytestmark = [pytest.mark.engines, pytest.mark.timeout(1800)]
MACHINES = ("mainpc", "pc2")
LEGACY = "legacy-py310-cpu"


@dataclass(frozen=True)
class Shape:
    """A service of section E, and what it is to run on."""

    service: str
    family: str
    python: str
    pydantic: str


SHAPES = (
    Shape("MemoryFusionHub", "base-cpu-pydeps", "3.11", "2."),
    Shape("IntentionValidatorAgent", LEGACY, "3.10", "1.10.15"),
)
on_both = pytest.mark.parametrize("machine_name", MACHINES)


@pytest.fixture(params=SHAPES, ids=lambda shape: shape.service)
def shape(request: pytest.FixtureRequest, jammy: str) -> Shape:
    found: Shape = request.param
    if found.family == LEGACY and jammy:
        pytest.skip(jammy)
    return found


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = standins.checkout(tmp_path_factory.mktemp("shapes"))
    for shape in SHAPES:
        shapes.put(made.root, shape.service, *MACHINES)
    return made.root


@pytest.fixture(scope="module")
def fleet(checkout: Path) -> Fleet:
    return load_fleet(checkout / "fleet")


@pytest.fixture(scope="module")
def images(engine: Running, checkout: Path, jammy: str) -> Iterator[dict[str, str]]:
    """Image name -> reference, for every instance and the families below."""
    tool = Tool(engine.client, checkout)
    names = [shape.service for shape in SHAPES if not (shape.family == LEGACY and jammy)]
    done = tool.run("lock", *names)
    assert done.returncode == 0, done.stdout + done.stderr
    locked.again(tool)
    done = tool.run("build", "--json", "--locked", *names, timeout=1700)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert (found["not_as_locked"], found["not_built"]) == ({}, [])
    yield {one["name"]: one["reference"] for one in found["images"]}


def inspected(engine: Running, image: str) -> dict[str, Any]:
    (found,) = engine.client.inspect("image", [image])
    return found


@on_both
def test_an_instance_runs_answers_and_ends(
    engine: Running, fleet: Fleet, images: dict[str, str], shape: Shape, machine_name: str
) -> None:
    row = fleet.services[shape.service]
    with shapes.started(engine.client, images[f"{machine_name}/{shape.service}"]) as running:
        assert running.wait_healthy(row.health_port, 60)["status"] == "ok"
        _, info = running.get(row.health_port, "/info")
        assert info["profile"] == fleet.machines[machine_name].profile
        assert (info["service"], info["machine"], info["family"]) == (shape.service, machine_name, shape.family)
        status, facts = running.get(row.port, "/v1/facts")
        assert status == 200
        assert (facts["python"], facts["user"], facts["writable"]) == (shape.python, [10001, 10001], [])
        assert facts["pydantic"].startswith(shape.pydantic)
        tag = f"cpython-{shape.python.replace('.', '')}"
        assert facts["byte_code"] == [f"__init__.{tag}.pyc", f"app.{tag}.pyc"]
        assert running.post(row.port, "/v1/echo", {"count": 3}) == (200, {"count": 3})
        assert running.post(row.port, "/v1/echo", {"count": "many"})[0] == 422
        # The engine kills after ten seconds; then the exit code is 137.
        engine.client.run("stop", "--time", "10", running.container)
        assert running.state()["ExitCode"] == 0, engine.client.logs(running.container, 40)


def test_the_engine_finds_it_healthy_by_itself(engine: Running, images: dict[str, str], shape: Shape) -> None:
    with shapes.started(engine.client, images[f"mainpc/{shape.service}"]) as running:
        deadline = time.monotonic() + 120
        while running.state()["Health"]["Status"] != "healthy":
            assert time.monotonic() < deadline, json.dumps(running.state())
            time.sleep(0.5)


def test_machines_differ_in_the_last_layer_which_is_the_profile(
    engine: Running, fleet: Fleet, images: dict[str, str], shape: Shape
) -> None:
    layers = [inspected(engine, images[f"{name}/{shape.service}"])["RootFS"]["Layers"] for name in MACHINES]
    assert layers[0][:-1] == layers[1][:-1]
    assert layers[0][-1] != layers[1][-1]
    family = inspected(engine, images[shape.family])["RootFS"]["Layers"]
    assert layers[0][: len(family)] == family
    for name in MACHINES:
        image = images[f"{name}/{shape.service}"]
        text = engine.docker("run", "--rm", *shapes.CONFINED, image, "cat", "/etc/machine-profile.json")
        assert sorted(json.loads(text)) == sorted(PROFILE_KEYS)
        assert json.loads(text) == fleet.machines[name].profile


def test_the_legacy_family_is_ubuntus_patched_python_with_the_packages_of_the_blueprint(
    engine: Running, images: dict[str, str], jammy: str
) -> None:
    if jammy:
        pytest.skip(jammy)
    script = "import fastapi, pydantic, uvicorn; print(fastapi.__version__, pydantic.VERSION, uvicorn.__version__)"
    image = images[LEGACY]
    said = engine.docker("run", "--rm", *shapes.CONFINED, "--network=none", image, "python3", "-c", script).split()
    assert said[:2] == ["0.110.0", "1.10.15"]
    release = engine.docker("run", "--rm", *shapes.CONFINED, "--network=none", image, "cat", "/etc/os-release")
    assert 'VERSION_ID="22.04"' in release
    facts = "id -un; cat /proc/1/comm; pwd; touch /etc/x 2>&1; command -v pip apt-get gcc; ls -ld /bin /lib; true"
    lines = engine.docker("run", "--rm", *shapes.CONFINED, image, "sh", "-c", facts).splitlines()
    assert lines[:3] == ["appuser", "tini", "/app"]
    assert "Read-only file system" in lines[3]
    assert [line.partition(" -> ")[2] for line in lines[4:]] == ["usr/bin", "usr/lib"]


def test_its_bill_of_materials_says_what_dpkg_and_python_say(
    engine: Running, images: dict[str, str], shape: Shape
) -> None:
    system, root = {"3.11": ("debian 12", "debian-bookworm"), "3.10": ("ubuntu 22.04", "ubuntu-jammy")}[shape.python]
    for name in (shape.family, f"mainpc/{shape.service}"):
        found = billed.checked(engine, images[name], billed.bill(engine, images[name]))
        assert (found.name, found.distribution) == (name.removeprefix("mainpc/"), system)
        assert {one.purl.split("/")[1] for one in found.components if one.kind == "deb"} == {system.split()[0]}
        assert {root, shape.family} <= {one.family for one in found.components}
