"""The bake definition: parents linked, secrets as secrets, and what each image says of itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from build.small import FAMILIES, checkout, planned

from dockwright.build import bake, contexts, secrets, staging, tags
from dockwright.build.images import LABEL_UNLOCKED, Image
from dockwright.build.origin import Origin
from dockwright.build.root import EPOCH
from dockwright.spec.load import load_fleet
from dockwright.spec.model import Instance

CONTEXTS = {"scripts": "/staged/scripts", "root": "docker-image://dockwright-root/bookworm:aa"}
ORIGIN = Origin("0123456789abcdef0123456789abcdef01234567", False, "20261124")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image]:
    return planned(checkout(tmp_path_factory.mktemp("bake")))


Targets = dict[str, dict[str, object]]


def defined(images: dict[str, Image], present: dict[str, str], **shared: dict[str, str]) -> Targets:
    paths = {name: Path(path) for name, path in shared.get("secrets", {}).items()}
    given = bake.Shared(paths, shared.get("arguments", {}), ORIGIN)
    staged = {
        name: bake.Staged(Path("/staged") / image.target, Path("/staged/Dockerfile"), {**CONTEXTS, "known": f"/{name}"})
        for name, image in images.items()
    }
    made = bake.definition(images, present, staged, given)
    targets = made["target"]
    assert isinstance(targets, dict)
    assert made["group"] == {"default": {"targets": sorted(image.target for image in images.values())}}
    return targets


def test_a_parent_that_is_built_too_is_its_target_and_one_that_is_there_its_image(images: dict[str, Image]) -> None:
    both = defined(images, {})
    assert both["mainpc_ServiceRegistry"]["contexts"]["parent"] == "target:family-web"  # type: ignore[index]
    alone = {"mainpc/ServiceRegistry": images["mainpc/ServiceRegistry"]}
    reference = "ghcr.io/dockwright/family-web:20261101-abc"
    target = defined(alone, {"family-web": reference})["mainpc_ServiceRegistry"]
    assert target["contexts"]["parent"] == f"docker-image://{reference}"  # type: ignore[index]


def test_secrets_are_files_that_no_argument_names(images: dict[str, Image]) -> None:
    targets = defined(images, {}, secrets={"pip-conf": "/made/pip.conf", "ca": "/etc/ca.crt"})
    assert targets["family-web_contents"]["secret"] == ["id=ca,src=/etc/ca.crt", "id=pip-conf,src=/made/pip.conf"]
    assert targets["family-web_contents"]["args"] == {"SOURCE_DATE_EPOCH": str(EPOCH), "PYTHON": "3.11"}
    assert "secret" not in targets["family-web"], "no step of it needs a network"


def test_a_family_is_its_contents_with_their_bill_of_materials_on_top(images: dict[str, Image]) -> None:
    targets = defined(images, {})
    contents, family = targets["family-web_contents"], targets["family-web"]
    assert not {"tags", "labels", "output"} & contents.keys(), "nobody stores it"
    assert (family["context"], family["dockerfile"]) == ("/family-web", "/staged/scripts/family.Dockerfile")
    named = family["contexts"]
    assert isinstance(named, dict)
    assert (named["contents"], named["parent"]) == ("target:family-web_contents", "target:base-cpu-pydeps")
    assert family["args"] == {"SOURCE_DATE_EPOCH": str(EPOCH), "NAME": "family-web", "BELOW": "base-cpu-pydeps"}


def test_the_lowest_family_stands_on_its_root(images: dict[str, Image]) -> None:
    lowest = defined(images, {})["base-python"]
    assert lowest["args"] == {"SOURCE_DATE_EPOCH": str(EPOCH), "NAME": "base-python", "BELOW": "debian-bookworm"}
    assert lowest["contexts"]["parent"] == CONTEXTS["root"]  # type: ignore[index]


def test_an_instance_is_one_target(images: dict[str, Image]) -> None:
    targets = defined(images, {})
    assert targets.keys() == {image.target for image in images.values()} | {f"{name}_contents" for name in FAMILIES}
    assert targets["pc2_CentralErrorBus"]["contexts"]["known"] == "/pc2/CentralErrorBus"  # type: ignore[index]


def test_an_image_that_is_not_as_locked_says_so(images: dict[str, Image]) -> None:
    image = images["family-web"]
    assert bake.labels(image, ORIGIN).keys() & {LABEL_UNLOCKED} == set()
    unlocked = replace(image, unlocked=("debian-bookworm", "base-utils"))
    assert bake.labels(unlocked, ORIGIN)[LABEL_UNLOCKED] == "debian-bookworm base-utils"


def test_tags_follow_the_blueprint(images: dict[str, Image]) -> None:
    found = {name: tags.by_commit(image, ORIGIN).removeprefix("ghcr.io/dockwright/") for name, image in images.items()}
    assert found["base-python"] == "base-python:3.11-slim-20261124-0123456789ab"
    assert found["family-web"] == "family-web:20261124-0123456789ab"
    assert found["pc2/CentralErrorBus"] == "central-error-bus:20261124-0123456789ab-pc2"
    assert len(set(found.values())) == len(found)


def test_each_image_is_tagged_by_its_inputs_too(images: dict[str, Image]) -> None:
    image = images["pc2/CentralErrorBus"]
    said = defined(images, {})["pc2_CentralErrorBus"]["tags"]
    by_input = f"ghcr.io/dockwright/central-error-bus:input-{image.input_digest[7:39]}"
    assert said == [by_input, "ghcr.io/dockwright/central-error-bus:20261124-0123456789ab-pc2"]


def test_images_say_what_they_are(images: dict[str, Image]) -> None:
    labels = bake.labels(images["mainpc/ServiceRegistry"], ORIGIN)
    assert labels["io.dockwright.input"] == images["mainpc/ServiceRegistry"].input_digest
    assert labels["io.dockwright.role"] == "instance"
    assert labels["org.opencontainers.image.version"] == "20261124-0123456789ab-mainpc"
    assert labels["io.dockwright.service"] == "ServiceRegistry"
    assert labels["org.opencontainers.image.revision"] == ORIGIN.git_sha
    family = bake.labels(images["family-web"], ORIGIN)
    assert family["io.dockwright.role"] == "family"
    assert "io.dockwright.service" not in family


def test_an_instances_last_layer_is_its_profile_and_facts(images: dict[str, Image], tmp_path: Path) -> None:
    fleet = load_fleet(checkout(tmp_path) / "fleet")
    image = images["pc2/SelfHealingSupervisor"]
    files = staging.instance_files(fleet, image, Instance("SelfHealingSupervisor", "pc2"), ORIGIN)
    assert json.loads(files["etc/machine-profile.json"]) == fleet.machines["pc2"].profile
    facts = json.loads(files["etc/dockwright/build.json"])
    assert facts == {
        "service": "SelfHealingSupervisor",
        "machine": "pc2",
        "family": "base-cpu-pydeps",
        "git_sha": ORIGIN.git_sha,
        "tag": "20261124-0123456789ab-pc2",
        "input_digest": images["pc2/SelfHealingSupervisor"].input_digest,
        "port": 7009,
        "health_port": 9008,
    }


def test_generated_files_have_the_epochs_time_and_their_folders_too(tmp_path: Path) -> None:
    target = contexts.texts({"etc/one.json": "{}", "etc/sub/two.json": "[]"}, tmp_path)
    assert (target / "etc/sub/two.json").read_text() == "[]"
    folders = {path for path in (target, *target.rglob("*")) if path.is_dir()}
    assert {path.stat().st_mtime for path in folders} == {EPOCH}
    files = [path for path in target.rglob("*") if path.is_file()]
    assert {path.stat().st_mtime_ns // contexts.SECOND for path in files} == {EPOCH}
    assert len({path.stat().st_mtime_ns for path in files}) == 2, "of one length, and told apart"
    again = contexts.texts({"etc/one.json": "{}"}, tmp_path)
    assert (again / "etc/one.json").stat().st_mtime_ns == (target / "etc/one.json").stat().st_mtime_ns


def test_a_credential_for_the_index_reaches_no_definition(
    images: dict[str, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in one file that only this user can read, and nowhere else."""
    monkeypatch.setenv("PIP_INDEX_URL", "https://somebody:hunter2@index.test/simple")
    made = staging.host_secrets(tmp_path)
    assert "hunter2" in made["pip-conf"].read_text()
    assert made["pip-conf"].stat().st_mode & 0o777 == 0o600
    shared = {name: str(path) for name, path in made.items()}
    assert "hunter2" not in json.dumps(defined(images, {}, secrets=shared, arguments=secrets.proxies()))
