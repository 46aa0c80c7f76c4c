"""Roots, for real: the same bytes twice, and nothing half-made where one could not be made."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from dockwright.build import root
from dockwright.build.oci import Layout
from dockwright.build.root import EPOCH, Recipe
from dockwright.engine import install
from dockwright.errors import CommandFailed
from engines.conftest import Machine

SMALL = ("base-files", "libc6")


@pytest.fixture(scope="module")
def recipe(machine: Machine) -> Recipe:
    """A root without programs."""
    root.ensure_maker(allowed=machine.may_install, say=machine.say)
    return Recipe("small", install.read_host().codename, "extract", SMALL)


@pytest.fixture(scope="module")
def first(recipe: Recipe, machine: Machine) -> Layout:
    return root.make(recipe, machine.say)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state folder where no root is."""
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path))


def test_a_root_is_made_once(recipe: Recipe, first: Layout) -> None:
    assert root.make(recipe, pytest.fail) == first
    assert root.recorded()["small"] == first.digest


@pytest.mark.usefixtures("elsewhere")
def test_a_root_is_the_same_bytes_twice(recipe: Recipe, first: Layout, machine: Machine) -> None:
    again = root.make(recipe, machine.say)
    assert (again.digest, again.size) == (first.digest, first.size)
    assert again.path != first.path


def test_a_root_holds_its_packages_without_what_no_service_reads(first: Layout) -> None:
    with tarfile.open(layer(first)) as tar:
        entries = tar.getmembers()
    names = {entry.name.removeprefix("./") for entry in entries}
    assert "etc/debian_version" in names
    assert not [name for name in names if name.startswith(("usr/share/man/", "usr/share/locale/"))]
    assert "usr/share/doc/libc6/copyright" in names
    assert max(entry.mtime for entry in entries) <= EPOCH


@pytest.mark.usefixtures("elsewhere")
def test_a_root_that_cannot_be_made_leaves_nothing(recipe: Recipe, machine: Machine) -> None:
    wrong = Recipe("wrong", recipe.suite, "extract", (*SMALL, "no-such-package"))
    with pytest.raises(CommandFailed) as caught:
        root.make(wrong, machine.say)
    assert "no-such-package" in caught.value.output
    assert list(root.roots_dir().iterdir()) == []


def layer(layout: Layout) -> Path:
    """The tar file of a layout's only layer."""
    blobs = layout.path / "blobs" / "sha256"
    manifest = json.loads((blobs / layout.digest.removeprefix("sha256:")).read_text())
    return blobs / str(manifest["layers"][0]["digest"]).removeprefix("sha256:")
