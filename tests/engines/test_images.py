"""What is in a service's images beside what their own smoke tests look at."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from dockwright.build import baked
from dockwright.spec.load import load_fleet
from engines.conftest import Running
from engines.fleet import Fleet

pytestmark = [pytest.mark.engines, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def images(engine: Running) -> Iterator[dict[str, str]]:
    """Image name -> reference, of one service for both of its machines."""
    done = Fleet(engine.client).run("build", "--json", "UnifiedObservabilityCenter")
    assert done.returncode == 0, done.stderr
    yield {one["name"]: one["reference"] for one in json.loads(done.stdout)["images"]}


def inside(engine: Running, image: str, *words: str) -> str:
    """What a command prints in a container that is confined as every instance is."""
    confined = ("--rm", "--pull=never", "--read-only", "--network=none", "--cap-drop=ALL", "--tmpfs=/tmp")
    return engine.docker("run", *confined, "--security-opt=no-new-privileges", image, *words).strip()


def test_no_layer_stores_once_more_what_one_below_has(engine: Running, images: dict[str, str]) -> None:
    done = Fleet(engine.client).run("sizes", "--rewritten", "--json", *images)
    found = json.loads(done.stdout)
    assert (done.returncode, found["rewritten"]) == (0, []), done.stderr
    assert set(found["images"]) == set(images)


def test_nothing_is_newer_than_the_epoch(engine: Running, images: dict[str, str]) -> None:
    named = "! -path '/etc/host*' ! -path /etc/resolv.conf ! -path /.dockerenv"
    newer = f"find / -xdev -newermt @1754784000 -type f {named} 2>/dev/null; true"
    assert inside(engine, images["mainpc/UnifiedObservabilityCenter"], "sh", "-c", newer) == ""


@pytest.mark.parametrize("name", ["mainpc", "pc2"])
def test_an_instance_carries_its_profile_and_where_it_comes_from(
    engine: Running, images: dict[str, str], name: str
) -> None:
    fleet = load_fleet(Fleet(engine.client).root / "fleet")
    image = images[f"{name}/UnifiedObservabilityCenter"]
    profile = json.loads(inside(engine, image, "cat", "/etc/machine-profile.json"))
    assert profile == json.loads(baked.profile(fleet, name))
    build = json.loads(inside(engine, image, "cat", "/etc/dockwright/build.json"))
    assert (build["service"], build["machine"], build["family"]) == (
        "UnifiedObservabilityCenter",
        name,
        "family-web",
    )
    (found,) = engine.client.inspect("image", [image])
    config = found["Config"]
    assert isinstance(config, dict)
    labels = config["Labels"]
    assert labels["io.dockwright.input"] == build["input_digest"]
    assert labels["org.opencontainers.image.revision"] == build["git_sha"]


def test_two_machines_images_differ_in_their_last_layer_only(engine: Running, images: dict[str, str]) -> None:
    layers = []
    for machine in ("mainpc", "pc2"):
        (found,) = engine.client.inspect("image", [images[f"{machine}/UnifiedObservabilityCenter"]])
        root = found["RootFS"]
        assert isinstance(root, dict)
        layers.append(root["Layers"])
    assert layers[0][:-1] == layers[1][:-1]
    assert layers[0][-1] != layers[1][-1]


def test_the_bill_of_materials_says_what_dpkg_and_python_say(engine: Running, images: dict[str, str]) -> None:
    image = images["mainpc/UnifiedObservabilityCenter"]
    bill = json.loads(inside(engine, image, "cat", "/etc/dockwright/sbom.json"))
    told = {component["purl"].split("?")[0] for component in bill["components"]}
    debian = inside(
        engine, image, "dpkg-query", "--show", "--showformat", "${db:Status-Abbrev}|${Package}|${Version}\n"
    )
    packages = [line.split("|")[1:] for line in debian.splitlines() if line.startswith("ii")]
    script = "from importlib.metadata import distributions as d\nfor one in d(): print(one.name, one.version)"
    python = [line.split() for line in inside(engine, image, "python3", "-c", script).splitlines()]
    names = {component["name"]: component["version"] for component in bill["components"]}
    assert len(packages) > 50
    assert len(python) > 10
    assert names == dict([*packages, *python])
    assert len(told) == len(packages) + len(python)


def test_no_secret_and_no_address_of_this_host_is_in_an_image(engine: Running, images: dict[str, str]) -> None:
    image = images["mainpc/UnifiedObservabilityCenter"]
    history = engine.docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
    environment = inside(engine, image, "env")
    for word in ("http://", "https://", "proxy", "index-url", "token"):
        assert word not in environment.lower()
        assert word not in history.lower().replace("http://127.0.0.1", "")
    assert inside(engine, image, "sh", "-c", "ls -A /run/secrets /root/.cache 2>/dev/null; true") == ""
