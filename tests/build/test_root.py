"""Recipes of roots; that their bytes are the same twice is shown in tests/engines/test_root.py."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dockwright.build import root
from dockwright.build.oci import Layout, write_layout
from dockwright.build.packages import Packages
from dockwright.build.root import Recipe
from dockwright.lock.debs import Deb
from dockwright.lock.resolver import Stop
from dockwright.spec.load import load_fleet

ROOT = Path(__file__).parents[2]
RECIPE = Recipe("debian-bookworm", "debian", "bookworm", "essential", ("python3.11", "tini"))
TINI = Deb("tini", "0.19.0-1", "amd64", "sha256:" + "1" * 64, 5)
OF = Packages("debian-bookworm", {"tini": TINI})
Lay = Callable[[Recipe, Packages], Layout]


@pytest.fixture
def lay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lay:
    """Puts a root of a few bytes where it would be after it was made."""
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path))

    def made(recipe: Recipe, of: Packages) -> Layout:
        (tmp_path / "root.tar").write_bytes(recipe.identity(of).encode())
        return write_layout(tmp_path / "root.tar", recipe.folder(of), created="2025-08-10T00:00:00Z")

    return made


def test_whatever_decides_a_root_decides_its_folder() -> None:
    others = [
        replace(RECIPE, name="other"),
        replace(RECIPE, suite="trixie"),
        replace(RECIPE, distribution="ubuntu"),
        replace(RECIPE, variant="minbase"),
        replace(RECIPE, packages=("python3.11",)),
        replace(RECIPE, packages=("tini", "python3.11")),
        replace(RECIPE, purged=("tini",)),
        replace(RECIPE, epoch=1),
    ]
    newer = Packages(OF.name, {"tini": replace(TINI, version="0.20")})
    known = {each.identity(OF) for each in (RECIPE, *others)} | {RECIPE.identity(newer)}
    assert len(known) == len(others) + 2
    assert replace(RECIPE).identity(replace(OF, as_locked=False)) == RECIPE.identity(OF)


def test_the_command_names_suite_sources_and_packages() -> None:
    words = root.arguments(RECIPE, Path("/out/root.tar"), ["deb [trusted=yes] copy:///archive ./"])
    assert words[0] == "mmdebstrap"
    assert words[-3:] == ["bookworm", "/out/root.tar", "deb [trusted=yes] copy:///archive ./"]
    assert {"--variant=essential", "--format=tar", "--include=python3.11,tini", "--include=usr-is-merged"} <= set(words)


def test_a_root_that_keeps_all_its_packages_keeps_their_programs_and_byte_code() -> None:
    hooks = [word for word in root.arguments(RECIPE, Path("/out/root.tar"), []) if "-hook=" in word]
    assert [word for word in hooks if any(part in word for part in ("--purge", "busybox", "pyc"))] == []
    purged = root.arguments(replace(RECIPE, purged=("bash", "perl-base")), Path("/out/root.tar"), [])
    (purge,) = (word for word in purged if "--purge" in word)
    assert purge.rstrip().endswith("--force-depends bash perl-base")


def test_ubuntu_has_its_folders_merged_without_a_package_for_it() -> None:
    words = root.arguments(replace(RECIPE, distribution="ubuntu", suite="jammy"), Path("/out/root.tar"), [])
    assert "--include=usr-is-merged" not in words
    assert [word for word in words if word.startswith("--setup-hook=") and 'ln -s "usr/$name"' in word]


def test_each_declared_root_has_another_one_for_builders_of_the_same_release() -> None:
    fleet = load_fleet(ROOT / "fleet")
    for name in ("debian-bookworm", "ubuntu-jammy"):
        own, builder = root.recipe(fleet, name), root.recipe(fleet, f"{name}/build")
        assert (own.distribution, own.suite) == (builder.distribution, builder.suite)
        assert "python3-pip" in builder.packages
        assert "python3-pip" not in own.packages


def test_a_root_that_is_whole_is_not_made_again(lay: Lay) -> None:
    assert root.made(RECIPE, OF) is None
    layout = lay(RECIPE, OF)
    assert root.make(RECIPE, OF, pytest.fail, Stop()) == layout
    (layout.path / "index.json").unlink()
    assert root.made(RECIPE, OF) is None


def test_roots_that_nobody_used_lately_go_but_for_the_last_ones(lay: Lay) -> None:
    names = [replace(OF, debs={"tini": replace(TINI, version=str(number))}) for number in range(6)]
    builder = replace(RECIPE, name="debian-bookworm/build")
    kept = lay(builder, OF).path
    folders = [lay(RECIPE, of).path for of in names]
    for age, folder in enumerate(folders[1:], 1):
        os.utime(folder, (age * 1000, age * 1000))
    os.utime(kept, (1, 1))
    root._prune(RECIPE)
    assert {path for path in folders if path.exists()} == {folders[0], folders[4], folders[5]}
    assert kept.exists()


def test_roots_that_somebody_uses_stay(lay: Lay) -> None:
    """Other checkouts on this host have other locks."""
    names = [replace(OF, debs={"tini": replace(TINI, version=str(number))}) for number in range(6)]
    folders = [lay(RECIPE, of).path for of in names]
    root._prune(RECIPE)
    assert all(path.exists() for path in folders)
