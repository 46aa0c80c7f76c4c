"""Every family passes its own tests and its parents', inside its image; so does a service. GPU families where asked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dockwright.cli.verbs.verify import cpu_families
from dockwright.spec.load import load_fleet
from engines.conftest import Running
from engines.fleet import ROOT, Fleet

FLEET = load_fleet(ROOT / "fleet")
SERVICE = "SystemDigitalTwin"
SOURCES = (
    "import unittest\n"
    "def test_bad(): assert 6 * 7 == 41, 'it is 42'\n"
    "def test_card(): raise unittest.SkipTest('needs a card')\n"
    "def test_crash():\n    import ctypes\n    ctypes.string_at(0)\n"
)


def smoke(tool: Fleet, *words: str, timeout: float = 900) -> tuple[int, dict[str, Any]]:
    """`smoke --json`: the exit code and what it says."""
    done = tool.run("smoke", "--json", *words, timeout=timeout)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert not tool.docker.run("ps", "--all", "--quiet", "--filter", "label=io.dockwright.role=smoke")
    return done.returncode, found


def ran(image: dict[str, Any]) -> set[str]:
    """The folders whose tests ran in an image."""
    return {test["test"].rpartition("/")[0] for test in image["tests"]}


def expected(family: str) -> set[str]:
    return {"fleet/smoke/image", *(f"fleet/families/{above}/smoke" for above in FLEET.lineage(family))}


def well(found: dict[str, Any], names: list[str]) -> None:
    bad = [test for image in found["images"] for test in image["tests"] if test["result"] == "failed"]
    assert bad == []
    assert [image["name"] for image in found["images"]] == names
    for image in found["images"]:
        assert ran(image) == expected(image["name"])


def test_cpu_families_pass_their_own_tests_and_their_parents(engine: Running, jammy: str) -> None:
    names = [name for name in cpu_families(FLEET, ROOT) if not (jammy and FLEET.python_of(name) == "3.10")]
    code, found = smoke(Fleet(engine.client), *names)
    well(found, names)
    assert code == 0
    assert {test["result"] for image in found["images"] for test in image["tests"]} == {"passed"}


def test_a_services_images_pass_their_familys_tests(engine: Running) -> None:
    code, found = smoke(Fleet(engine.client), SERVICE)
    (image,) = found["images"]
    assert (code, image["name"]) == (0, f"mainpc/{SERVICE}")
    assert ran(image) == {*expected(FLEET.services[SERVICE].family), "fleet/smoke/instance"}


@pytest.mark.gpu_families
@pytest.mark.timeout(5400)
def test_gpu_families_pass_their_own_tests_and_their_parents(engine: Running) -> None:
    names = [name for name in FLEET.by_generation() if FLEET.carries_cuda(name)]
    code, found = smoke(Fleet(engine.client), *names, timeout=5000)
    well(found, names)
    assert code == 0


@pytest.fixture
def changed(engine: Running, tmp_path: Path) -> Iterator[Fleet]:
    """A checkout in which a family's tests fail, crash, and cannot run."""
    for folder in ("src", "servicekit/src", "fleet"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "fleet/families/base-python/smoke/test_changed.py").write_text(SOURCES)
    yield Fleet(engine.client, tmp_path)


def test_what_is_bad_in_a_parents_test_is_bad_in_its_child_and_rebuilds_nothing(changed: Fleet) -> None:
    done = changed.run("build", "--json", "base-utils")
    assert [image["built"] for image in json.loads(done.stdout)["images"]] == [False, False]
    code, found = smoke(changed, "base-utils")
    assert (code, found["passed"]) == (1, False)
    (image,) = found["images"]
    told = {test["test"].partition("::")[2]: test for test in image["tests"] if "test_changed.py::" in test["test"]}
    assert {name: test["result"] for name, test in told.items()} == {
        "test_bad": "failed",
        "test_card": "not run",
        "test_crash": "failed",
    }
    assert told["test_bad"]["why"].endswith("AssertionError: it is 42")
    assert told["test_card"]["why"] == "needs a card"
    assert told["test_crash"]["why"].startswith("its process ended with SIGSEGV")


def test_without_names_what_is_built_is_tried_and_the_rest_is_said(changed: Fleet) -> None:
    done = changed.run("smoke")
    assert done.returncode == 1
    assert "base-python: " in done.stderr
    assert "did not run: needs a card\n" in done.stdout
    assert "not tried, not built: " in done.stdout
    assert "family-llm-cu121" in done.stdout.partition("not tried, not built: ")[2].splitlines()[0]
