"""What is known of an image's packages when it is built: the hashes of exactly the files that it is made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from build.small import ROOT

from dockwright.build.known import known
from dockwright.build.packages import Packages
from dockwright.errors import UnreadableInput
from dockwright.lock import debs, pins

FAMILIES = ROOT / "fleet" / "families"


def of(folder: Path, *packages: Packages) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(known(folder, packages))
    return found


def test_a_wheel_is_known_by_the_file_that_the_lock_names() -> None:
    found = of(FAMILIES / "base-cpu-pydeps")
    locked = pins.read_lock(FAMILIES / "base-cpu-pydeps" / "requirements.lock")
    assert found.keys() == {f"pypi/{name}" for name in locked}
    numpy = locked["numpy"]
    assert len(numpy.hashes) > 1
    told = {"version": numpy.version, "sha256": numpy.sha256.removeprefix("sha256:"), "of": "wheel"}
    assert found["pypi/numpy"] == told


def test_what_is_published_as_source_only_is_known_by_its_source() -> None:
    assert of(FAMILIES / "family-llm-cu121")["pypi/llama-cpp-python"]["of"] == "sdist"


def test_debian_packages_are_known_as_they_are_used_here_locked_or_not(tmp_path: Path) -> None:
    locked = debs.read(FAMILIES / "base-utils" / "apt.lock", "lock").debs
    found = of(tmp_path, Packages("base-utils", locked), Packages("root", {}, as_locked=False))
    assert found.keys() == {f"deb/{name}" for name in locked}
    assert found["deb/curl"] == {
        "version": locked["curl"].version,
        "sha256": locked["curl"].sha256.removeprefix("sha256:"),
        "of": "deb",
    }


def test_without_locks_nothing_is_known(tmp_path: Path) -> None:
    assert of(tmp_path) == {}


def test_a_lock_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text("numpy\n")
    with pytest.raises(UnreadableInput, match=r"requirements\.lock:1: expected `name==version`"):
        known(tmp_path, [])
