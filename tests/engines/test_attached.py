"""The bill of materials that an image carries, attached to it in a registry."""

from __future__ import annotations

import json
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from build.small import planned

from dockwright.build.origin import Origin
from dockwright.build.push import push
from dockwright.build.sbom import PATH
from dockwright.build.store import Stored
from dockwright.engine.registry import artifact
from dockwright.engine.registry.documents import digest_of
from dockwright.engine.registry.repository import Repository
from dockwright.release import attached
from engines.conftest import Running
from engines.fleet import ROOT
from engines.registry import Registry

pytestmark = pytest.mark.engines
NAME = "base-utils"
ORIGIN = Origin("abc", False, "20261124")
BILL = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": []}


@pytest.fixture
def images(engine: Running, tmp_path: Path) -> Iterator[dict[str, Stored]]:
    """Two images: one with a bill of materials, one without."""
    (tmp_path / "bill").write_text(json.dumps(BILL))
    made = {}
    for name in ("with", "without"):
        with tarfile.open(tmp_path / f"{name}.tar", "w") as tar:
            tar.add(tmp_path / "bill", PATH if name == "with" else "/other")
        reference = f"dockwright-test-attached-{uuid.uuid4().hex[:8]}:20261124-abc"
        engine.docker("import", "--change", 'CMD ["none"]', str(tmp_path / f"{name}.tar"), reference)
        (entry,) = engine.client.inspect("image", [reference])
        made[name] = Stored(str(entry["Id"]), reference, "abc", "", "")
    try:
        yield made
    finally:
        engine.client.run("image", "rm", "--force", *(one.reference for one in made.values()), check=False)


def test_a_bill_is_found_from_its_image_and_attached_once(
    engine: Running, registry: Registry, images: dict[str, Stored]
) -> None:
    image = {NAME: planned(ROOT)[NAME]}
    repository = Repository(registry.place.below(NAME))
    for _ in range(2):
        stored = {NAME: images["with"]}
        pushed = push(engine.client, registry.place, image, stored, ORIGIN, print)
        found = attached.attach(engine.client, registry.place, image, stored, pushed, print)
    assert found == {NAME: digest_of(json.dumps(BILL).encode())}
    (one,) = pushed
    (referrer,) = artifact.referrers(repository, one.digest)
    assert referrer.artifact_type == "application/vnd.cyclonedx+json"
    held = artifact.look(repository, referrer.digest)
    assert held is not None
    assert held.subject == one.digest
    assert json.loads(artifact.read(repository, held, "sbom.cdx.json")) == BILL
    assert attached.attached(repository, one.digest) == found[NAME]


def test_an_image_without_one_is_pushed_and_told(
    engine: Running, registry: Registry, images: dict[str, Stored]
) -> None:
    image, stored, said = {NAME: planned(ROOT)[NAME]}, {NAME: images["without"]}, list[str]()
    pushed = push(engine.client, registry.place, image, stored, ORIGIN, print)
    assert attached.attach(engine.client, registry.place, image, stored, pushed, said.append) == {}
    assert f"{NAME}: {images['without'].digest} has no bill of materials" in said[0]
    assert artifact.referrers(Repository(registry.place.below(NAME)), pushed[0].digest) == []
