"""Recipes of roots; that their bytes are the same twice is shown in tests/engines/test_root.py."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dockwright.build import root
from dockwright.build.oci import write_layout
from dockwright.build.root import Recipe
from dockwright.engine import install
from dockwright.errors import EngineUnavailable

RECIPE = Recipe("debian-bookworm", "bookworm", "essential", ("python3.11", "tini"))


def test_whatever_decides_a_root_decides_its_folder() -> None:
    others = [
        replace(RECIPE, name="other"),
        replace(RECIPE, suite="trixie"),
        replace(RECIPE, variant="minbase"),
        replace(RECIPE, packages=("python3.11",)),
        replace(RECIPE, packages=("tini", "python3.11")),
        replace(RECIPE, epoch=1),
    ]
    assert len({recipe.key for recipe in (RECIPE, *others)}) == len(others) + 1
    assert replace(RECIPE).key == RECIPE.key


def test_the_command_names_suite_sources_and_packages() -> None:
    words = root.arguments(RECIPE, Path("/out/root.tar"), ["deb http://mirror.test/debian bookworm main"])
    assert words[0] == "mmdebstrap"
    assert words[-3:] == ["bookworm", "/out/root.tar", "deb http://mirror.test/debian bookworm main"]
    assert {"--variant=essential", "--format=tar", "--include=python3.11,tini"} <= set(words)
    assert f"--hook-dir={root.HOOKS}" in words


def test_a_root_that_is_whole_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path))
    assert root.made(RECIPE) is None
    (tmp_path / "root.tar").write_bytes(b"bytes")
    folder = root.roots_dir() / f"{RECIPE.name}-{RECIPE.key}"
    layout = write_layout(tmp_path / "root.tar", folder, created="2025-08-10T00:00:00Z")
    assert root.make(RECIPE, pytest.fail) == layout
    (folder / "index.json").unlink()
    assert root.made(RECIPE) is None


def test_sources_are_those_of_this_host_for_the_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        ("http://m.test/debian/", "bookworm"),
        ("http://m.test/debian/", "trixie"),
        ("http://s.test/", "bookworm-security"),
    ]
    monkeypatch.setattr(install, "debian_sources", lambda: found)
    monkeypatch.setattr(install, "read_host", lambda: install.Host("debian", "12", "bookworm", root=True, apt=True))
    assert root.archive("bookworm") == [
        "deb http://m.test/debian/ bookworm main",
        "deb http://s.test/ bookworm-security main",
    ]
    monkeypatch.setattr(install, "read_host", lambda: install.Host("ubuntu", "22.04", "jammy", root=True, apt=True))
    assert root.archive("bookworm") == []


def test_without_the_maker_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(install, "read_host", lambda: install.Host("debian", "12", "bookworm", root=True, apt=True))
    with pytest.raises(EngineUnavailable, match="mmdebstrap is missing and --no-install forbids") as caught:
        root.ensure_maker(allowed=False, say=pytest.fail)
    assert caught.value.remedy == "install it: apt-get install mmdebstrap"
