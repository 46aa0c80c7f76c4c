"""`audit` on real images: it says what their own loader says, and what is taken away it misses by name."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from dockwright.audit import look, system
from dockwright.audit.loader import Loader
from dockwright.audit.native import Natives
from engines.conftest import Running
from engines.fleet import Fleet

pytestmark = [pytest.mark.engines, pytest.mark.timeout(900)]
NUMPY = "/usr/local/lib/python3.11/dist-packages/numpy.libs"
# In the image: what its own loader loads for each file, or that it does not find it. Nothing is executed.
LISTED = r"""
import json, os, re, subprocess, sys
found = {}
for path in json.loads(sys.argv[1]):
    done = subprocess.run(["/lib64/ld-linux-x86-64.so.2", "--list", path], capture_output=True, text=True)
    pairs = re.findall(r"^\t(\S+) => (/\S+|not found)", done.stdout, re.MULTILINE)
    found[path] = {name: os.path.realpath(target) if target != "not found" else "" for name, target in pairs}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def images(engine: Running) -> Iterator[dict[str, str]]:
    """Image name -> reference."""
    done = Fleet(engine.client).run("build", "--json", "ServiceRegistry")
    assert done.returncode == 0, done.stderr
    yield {one["name"]: one["reference"] for one in json.loads(done.stdout)["images"]}


def audit(engine: Running, *words: str) -> dict[str, Any]:
    done = Fleet(engine.client).run("audit", "--json", "--offline", *words)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_cpu_families_and_a_service_lack_nothing(engine: Running, images: dict[str, str]) -> None:
    before = engine.docker("ps", "--all", "--quiet")
    families = ("base-python", "base-utils", "base-cpu-pydeps", "family-web")
    found = audit(engine, *families, "ServiceRegistry")
    assert found["not_built"] == []
    told = [finding for image in found["images"] for finding in image["findings"]]
    assert [finding for finding in told if finding["severity"] != "info"] == []
    # Offline, and nothing was noted before: the images themselves said which modules their packages bring.
    assert not any(finding["rule"] == "unknown" for finding in told)
    assert {finding["path"] for finding in told if finding["rule"] == "idle"} >= {"gosu", "dumb-init"}
    counts = [image["native_files"] for image in found["images"][:5]]
    assert counts == sorted(counts)
    assert engine.docker("ps", "--all", "--quiet") == before


def test_libraries_are_found_where_the_images_own_loader_finds_them(engine: Running, images: dict[str, str]) -> None:
    image = images["family-web"]
    seen = system.read(look.into(engine.client, image))
    paths = sorted(seen.elf)
    assert len(paths) > 100
    confined = ("--rm", "--pull=never", "--network=none", "--cap-drop=ALL", "--entrypoint=python3")
    real = json.loads(engine.docker("run", *confined, image, "-c", LISTED, json.dumps(paths)))
    mine = {}
    for path in paths:
        loaded = Loader(seen).load(path)
        mine[path] = {name: target for (_, name), target in loaded.found.items() if "/" not in name}
        mine[path] |= {name: "" for _, name in loaded.missing}
        # The loader itself is named by its path, and so not looked for.
        real[path].pop("linux-vdso.so.1", None)
        mine[path] = {name: target for name, target in mine[path].items() if not name.startswith("ld-linux")}
    assert {path: real[path] for path in paths if real[path] != mine[path]} == {
        path: mine[path] for path in paths if real[path] != mine[path]
    }
    assert sum(map(len, real.values())) > 200


@pytest.fixture
def without_blas(engine: Running, images: dict[str, str]) -> Iterator[str]:
    """base-cpu-pydeps after somebody took numpy's own libraries away."""
    name = f"dockwright-test-audit-{uuid.uuid4().hex[:8]}"
    words = ("--name", name, "--user=0:0", "--network=none", images["base-cpu-pydeps"])
    try:
        engine.docker("run", *words, "rm", "-r", NUMPY)
        engine.docker("commit", name, name)
        yield name
    finally:
        engine.client.run("rm", "--force", name, check=False)
        engine.client.run("image", "rm", "--force", name, check=False)


def test_a_library_that_was_taken_away_is_missed_by_name(engine: Running, without_blas: str) -> None:
    lacks = Natives(system.read(look.into(engine.client, without_blas))).lacks()
    assert {str(lack.owner) for lack in lacks} == {"numpy"}
    assert any("openblas" in lack.library for lack in lacks)


def test_an_image_without_python_cannot_be_looked_into(engine: Running, images: dict[str, str]) -> None:
    name = f"dockwright-test-audit-{uuid.uuid4().hex[:8]}"
    try:
        engine.docker("run", "--name", name, "--user=0:0", images["base-python"], "rm", "/usr/bin/python3")
        engine.docker("commit", name, name)
        with pytest.raises(look.Unseen, match="cannot be looked into"):
            look.into(engine.client, name)
    finally:
        engine.client.run("rm", "--force", name, check=False)
        engine.client.run("image", "rm", "--force", name, check=False)
