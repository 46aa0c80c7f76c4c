"""Input digests: everything that decides an image changes them, nothing else does, and a build sees what they cover."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockwright.build import bake, inputs
from dockwright.errors import UnreadableInput
from dockwright.spec import context

LEFT_OUT = [
    "tests/test_app.py",
    "smoke/test_app.py",
    "pkg/__pycache__/app.cpython-311.pyc",
    "pkg/app.pyc",
    "README.md",
    "docs/notes.md",
    ".env",
    ".git/config",
    "requirements.in",
    "openapi.json",
    "models/weights.bin",
    "data/rows.csv",
    "logs/today.log",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "service"
    write(made, {"service.toml": b'name = "A"\n', "pkg/app.py": b"x = 1\n", "run": b"#!/bin/sh\n"})
    (made / "run").chmod(0o755)
    return made


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_a_copy_elsewhere_at_another_time_has_the_same_digest(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "copy"
    shutil.copytree(folder, copy)
    for path in copy.rglob("*"):
        os.utime(path, (1, 1))
    (copy / "pkg" / "app.py").chmod(0o600)
    assert inputs.tree_digest(copy) == inputs.tree_digest(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "pkg/app.py").write_bytes(b"x = 2\n"),
        lambda root: (root / "pkg/app.py").write_bytes(b"x = 1"),
        lambda root: (root / "pkg/app.py").rename(root / "pkg/other.py"),
        lambda root: (root / "pkg/app.py").rename(root / "app.py"),
        lambda root: (root / "pkg/app.py").unlink(),
        lambda root: (root / "pkg/new.py").touch(),
        lambda root: (root / "run").chmod(0o644),
        lambda root: (root / "pkg/app.py").chmod(0o755),
    ],
    ids=["content", "newline", "name", "folder", "removed", "added", "no longer executable", "executable"],
)
def test_what_decides_an_image_changes_the_digest(folder: Path, change: object) -> None:
    before = inputs.tree_digest(folder)
    assert callable(change)
    change(folder)
    assert inputs.tree_digest(folder) != before


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_a_build_does_not_see_does_not_change_it(folder: Path, tmp_path: Path, name: str) -> None:
    before = inputs.tree_digest(folder)
    write(folder, {name: b"anything"})
    assert inputs.tree_digest(folder) == before
    staged = bake.stage(folder, tmp_path, "staged")
    assert not (staged / name).exists()


def test_chosen_files_count_whatever_their_order(folder: Path) -> None:
    both = inputs.tree_digest(folder, ["service.toml", "run"])
    assert both == inputs.tree_digest(folder, ["run", "service.toml"])
    assert both != inputs.tree_digest(folder, ["run"])
    write(folder, {"pkg/app.py": b"changed"})
    assert both == inputs.tree_digest(folder, ["service.toml", "run"])


NAMES = st.from_regex(r"[a-z]{1,3}(\.py|\.md|)", fullmatch=True) | st.sampled_from(["tests", "data", ".x", "a.pyc"])
TREES = st.dictionaries(st.lists(NAMES, min_size=1, max_size=3).map("/".join), st.binary(max_size=20), max_size=8)


@given(TREES, st.booleans())
def test_what_is_staged_is_exactly_what_the_digest_covers(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], executable: bool
) -> None:
    folder = tmp_path_factory.mktemp("tree")
    for name, content in files.items():
        path = folder / name
        if any((folder / str(parent)).is_file() for parent in Path(name).parents) or path.is_dir():
            continue  # A folder cannot be where a file is.
        write(folder, {name: content})
        path.chmod(0o755 if executable else 0o644)
    staged = bake.stage(folder, tmp_path_factory.mktemp("staged"), "digest")
    assert inputs.tree_digest(staged) == inputs.tree_digest(folder)
    assert [path.relative_to(staged) for path in context.files(staged)] == [
        path.relative_to(folder) for path in context.files(folder)
    ]
    assert {path for path in staged.rglob("*") if path.is_file()} == set(context.files(staged))


PARTS = st.dictionaries(st.text("abc", max_size=3), st.text("abc", max_size=3), max_size=4)


@given(PARTS, PARTS)
def test_equal_parts_and_only_they_have_one_digest(one: dict[str, str], other: dict[str, str]) -> None:
    assert (inputs.combine(one) == inputs.combine(other)) == (one == other)


def test_a_digest_names_its_kind() -> None:
    assert inputs.combine({}) == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_staged_files_keep_what_counts_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    (folder / "pkg" / "app.py").chmod(0o640)
    staged = bake.stage(folder, tmp_path, "d1")
    assert staged == tmp_path / "d1"
    modes = {path.name: path.stat().st_mode & 0o777 for path in staged.rglob("*") if path.is_file()}
    assert modes == {"service.toml": 0o644, "app.py": 0o644, "run": 0o755}
    write(folder, {"pkg/app.py": b"later"})
    assert bake.stage(folder, tmp_path, "d1").joinpath("pkg/app.py").read_bytes() == b"x = 1\n"


def test_an_empty_folder_can_be_staged(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert list(bake.stage(tmp_path / "empty", tmp_path, "d").iterdir()) == []


def test_a_link_that_leads_nowhere_is_one_clear_line(folder: Path, tmp_path: Path) -> None:
    (folder / "pkg" / "gone").symlink_to("nowhere")
    with pytest.raises(UnreadableInput, match="pkg/gone is a symbolic link to nowhere, which is not there"):
        inputs.tree_digest(folder)
    with pytest.raises(UnreadableInput, match="pkg/gone"):
        bake.stage(folder, tmp_path, "staged")


def test_a_name_that_is_not_utf8_is_one_clear_line(folder: Path) -> None:
    Path(os.fsdecode(bytes(folder) + b"/pkg/\xff.py")).touch()
    with pytest.raises(UnreadableInput, match=r"pkg/\\udcff.py has a name that is not UTF-8"):
        inputs.tree_digest(folder)


def test_docker_leaves_out_what_digests_leave_out() -> None:
    """The Dockerfile of services must see no file that the digest does not cover."""
    text = (Path(__file__).parents[2] / "fleet/services/Dockerfile.dockerignore").read_text()
    expected = {f"**/{name}" for name in context.FOLDERS} | {f"**/*{suffix}" for suffix in context.SUFFIXES} | {"**/.*"}
    said = {line for line in text.splitlines() if not line.startswith("#")}
    assert said == expected | {f"**/{name}" for name in context.NAMES}
