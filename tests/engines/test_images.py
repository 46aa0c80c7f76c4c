"""What is in a service's images beside what their own smoke tests look at."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from dockwright.build import baked, sbom
from dockwright.lock import debs, pins
from dockwright.spec.load import load_fleet
from engines import billed
from engines.billed import inside
from engines.conftest import Running
from engines.fleet import ROOT, Fleet

pytestmark = [pytest.mark.engines, pytest.mark.timeout(900)]
FAMILIES = ["base-python", "base-utils", "base-cpu-pydeps", "family-web"]
BILLED = [*FAMILIES, "mainpc/UnifiedObservabilityCenter"]


@pytest.fixture(scope="module")
def images(engine: Running) -> Iterator[dict[str, str]]:
    """Image name -> reference, of one service for both of its machines, and of the four families below it."""
    unnamed = ("image", "ls", "--quiet", "--filter", "dangling=true")
    before = engine.docker(*unnamed)
    done = Fleet(engine.client).run("build", "--json", "UnifiedObservabilityCenter")
    assert done.returncode == 0, done.stderr
    assert engine.docker(*unnamed) == before, "what only others build on is not kept as an image"
    yield {one["name"]: one["reference"] for one in json.loads(done.stdout)["images"]}


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


@pytest.fixture(scope="module")
def bills(engine: Running, images: dict[str, str]) -> dict[str, bytes]:
    """Image name -> its bill of materials."""
    return {name: billed.bill(engine, image) for name, image in images.items()}


@pytest.mark.parametrize("name", BILLED)
def test_the_bill_of_materials_says_what_dpkg_and_python_say(
    engine: Running, images: dict[str, str], bills: dict[str, bytes], name: str
) -> None:
    assert billed.checked(engine, images[name], bills[name]).distribution == "debian 12"


@pytest.mark.parametrize("name", BILLED)
def test_the_bill_of_materials_says_who_brought_each_package(bills: dict[str, bytes], name: str) -> None:
    """As the locks say: a family brings what its own lock pins and no ancestor's does."""
    fleet = load_fleet(ROOT / "fleet")
    service = name.partition("/")[2]
    lineage = fleet.lineage(fleet.services[service].family if service else name)
    above: set[str] = set()
    for each in [*lineage, *filter(None, [service])]:
        folder = ROOT / "fleet" / ("services" if each == service else "families") / each
        lock = folder / "requirements.lock"
        pinned = set(pins.read_lock(lock)) if lock.is_file() else set()
        brought = {one for one in sbom.read(bills[name], name).components if one.family == each and not one.within}
        assert {pins.normal(one.name) for one in brought if one.kind == "pypi"} == pinned - above, each
        above |= pinned
        if (folder / "apt.lock").is_file():
            locked = debs.read(folder / "apt.lock", each).debs
            assert {one.name for one in brought if one.kind == "deb"} <= set(locked)
    families = {one.family for one in sbom.read(bills[name], name).components}
    assert families <= {"debian-bookworm", *lineage, service}
    assert "debian-bookworm" in families


@pytest.mark.parametrize("name", BILLED)
def test_every_wheel_has_the_hash_that_its_lock_names(bills: dict[str, bytes], name: str) -> None:
    service = name.partition("/")[2]
    lock = ROOT / "fleet" / ("services" if service else "families") / (service or name) / "requirements.lock"
    python = [one for one in sbom.read(bills[name], name).components if one.kind == "pypi"]
    locked = pins.read_lock(lock) if python else {}
    assert {one.hash_of for one in python} <= {"wheel"}
    assert {pins.normal(one.name): f"sha256:{one.sha256}" for one in python} == {
        pin.name: pin.sha256 for pin in locked.values()
    }


def test_the_verb_shows_the_document_of_an_image_that_does_not_run(engine: Running, bills: dict[str, bytes]) -> None:
    before = engine.docker("ps", "--all", "--quiet")
    shown = Fleet(engine.client).run("sbom", "--json", "UnifiedObservabilityCenter")
    assert (shown.returncode, shown.stdout.encode()) == (0, bills["mainpc/UnifiedObservabilityCenter"])
    table = Fleet(engine.client).run("sbom", "base-utils").stdout
    assert "\ncurl " in table and " packages (" in table
    lacking = Fleet(engine.client).run("sbom", "family-torch-cu121")
    assert (lacking.returncode, lacking.stdout) == (1, "")
    assert lacking.stderr == "dockwright: family-torch-cu121 is not built\n  -> ./dockwright build family-torch-cu121\n"
    assert engine.docker("ps", "--all", "--quiet") == before


def test_both_machines_images_have_one_bill_of_materials_and_each_family_its_own(bills: dict[str, bytes]) -> None:
    """It says what is in an image, and nothing of where or when it was built: equal packages, equal digest."""
    instances = {bills[f"{machine}/UnifiedObservabilityCenter"] for machine in ("mainpc", "pc2")}
    assert len(instances) == 1
    assert len({bills[name] for name in FAMILIES} | instances) == len(FAMILIES) + 1


def test_no_secret_and_no_address_of_this_host_is_in_an_image(engine: Running, images: dict[str, str]) -> None:
    image = images["mainpc/UnifiedObservabilityCenter"]
    history = engine.docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
    environment = inside(engine, image, "env")
    for word in ("http://", "https://", "proxy", "index-url", "token"):
        assert word not in environment.lower()
        assert word not in history.lower().replace("http://127.0.0.1", "")
    assert inside(engine, image, "sh", "-c", "ls -A /run/secrets /root/.cache 2>/dev/null; true") == ""
