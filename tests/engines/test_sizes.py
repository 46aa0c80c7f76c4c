"""`sizes` on a real engine: two small images with the fleet's labels, the second on top of the first."""

from __future__ import annotations

import json
import shutil
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dockwright.build import bases, rewritten, tags
from dockwright.build.images import LABEL_INPUT, plan_images
from dockwright.spec.load import load_fleet
from engines.conftest import Running
from engines.fleet import ROOT, Fleet

pytestmark = pytest.mark.engines
BELOW, ABOVE = b"\x00" * 300_000, b"packages" * 1000


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory of its own."""
    folder = tmp_path / "state"
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(folder))
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose images are of other inputs than all that other tests build in the same engine."""
    for folder in ("src", "servicekit", "fleet"):
        shutil.copytree(ROOT / folder, tmp_path / "checkout" / folder)
    for path in (tmp_path / "checkout").glob("fleet/families/*/Dockerfile"):
        with path.open("a") as recipe:
            recipe.write("# Of a test.\n")
    return tmp_path / "checkout"


@pytest.fixture
def images(engine: Running, checkout: Path, state: Path, tmp_path: Path) -> Iterator[list[str]]:
    """base-python and base-utils as this engine's store knows them, but for what is in them."""
    fleet = load_fleet(checkout / "fleet")
    planned = plan_images(fleet, ["base-utils"], [], checkout, bases.expected(fleet, checkout, ["base-utils"]))
    label = {name: f"LABEL {LABEL_INPUT}={planned[name].input_digest}" for name in ("base-python", "base-utils")}
    lower, upper = (tags.by_input(planned[name]) for name in ("base-python", "base-utils"))
    docker, container = engine.docker, f"dockwright-test-sizes-{uuid.uuid4().hex[:8]}"
    for name, content in (("below", BELOW), ("above", ABOVE)):
        (tmp_path / name).write_bytes(content)
    listed = tmp_path / "below.list"
    listed.write_text("/.\n/below\n")
    with tarfile.open(tmp_path / "lower.tar", "w") as archive:
        archive.add(tmp_path / "below", "below")
        archive.add(listed, "var/lib/dpkg/info/below.list")
    try:
        docker("import", "--change", label["base-python"], "--change", 'CMD ["none"]', f"{tmp_path}/lower.tar", lower)
        docker("create", "--name", container, lower)
        docker("cp", str(tmp_path / "above"), f"{container}:/above")
        docker("commit", "--change", label["base-utils"], container, upper)
        yield [lower, upper]
    finally:
        engine.client.run("rm", "--force", container, check=False)
        engine.client.run("image", "rm", "--force", lower, upper, check=False)


def sizes(engine: Running, checkout: Path, state: Path, *words: str) -> Any:
    """`sizes --json`, which must end well."""
    environ = {"DOCKER_HOST": engine.client.host, "DOCKWRIGHT_STATE": str(state)}
    tool = Fleet(engine.client, checkout, environ)
    done = tool.run("sizes", "--json", *words, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_what_two_images_share_is_stored_once(engine: Running, checkout: Path, state: Path, images: list[str]) -> None:
    found = sizes(engine, checkout, state)
    lower, upper = found["images"]
    assert (lower["name"], upper["name"]) == ("base-python", "base-utils")
    assert lower["unique"]["unpacked"] == 0
    assert lower["shared"] == upper["shared"]
    assert lower["unpacked"] > len(BELOW) > lower["compressed"] > 0
    assert upper["unique"]["unpacked"] > len(ABOVE) > upper["unique"]["compressed"] > 0
    for form in ("unpacked", "compressed"):
        assert found["totals"]["images"][form] == lower[form] + upper[form]
        assert found["totals"]["stored"][form] == upper[form]
    assert found["absent"]["family-web"] == "not built"
    assert {"not built", "not implemented yet"} == set(found["absent"].values())
    noted = (state / "layers.json").read_text()
    assert sizes(engine, checkout, state, "base-utils")["images"] == [upper]
    assert (state / "layers.json").read_text() == noted


def test_the_bytes_of_one_image_have_owners(engine: Running, checkout: Path, state: Path, images: list[str]) -> None:
    before = engine.docker("ps", "--all", "--quiet")
    parts = sizes(engine, checkout, state, "base-utils", "--packages")["parts"]
    assert [(part["kind"], part["name"], part["bytes"]) for part in parts[:2]] == [
        ("debian", "below", len(BELOW)),
        ("other", "/", len(ABOVE)),
    ]
    assert engine.docker("ps", "--all", "--quiet") == before


def test_a_file_that_is_copied_onto_itself_is_named(engine: Running, images: list[str], tmp_path: Path) -> None:
    lower = images[0]
    name = f"dockwright-test-sizes-{uuid.uuid4().hex[:8]}"
    (tmp_path / "other").write_bytes(ABOVE)
    try:
        engine.docker("create", "--name", name, lower)
        engine.docker("cp", str(tmp_path / "below"), f"{name}:/below")
        engine.docker("cp", str(tmp_path / "other"), f"{name}:/var/lib/dpkg/info/below.list")
        engine.docker("commit", name, name)
        found = rewritten.find(engine.client, {"lower": lower, "upper": name})
    finally:
        engine.client.run("rm", "--force", name, check=False)
        engine.client.run("image", "rm", "--force", name, check=False)
    # What was copied with other content is no finding.
    assert [(one.image, one.path, one.size) for one in found] == [("upper", "/below", len(BELOW))]
    assert found[0].layer.startswith("layer 2")
    assert found[0].below.startswith("layer 1")
