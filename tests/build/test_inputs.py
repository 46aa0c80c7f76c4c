"""Input digests: everything that decides an image changes them, nothing else does, and a build sees what they cover."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockwright.build import contexts, inputs, parts
from dockwright.errors import DockwrightError, UnreadableInput
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


def digest(folder: Path, only: list[str] | None = None) -> str:
    """One digest of a folder's files, as an image has it of each of its kinds of parts."""
    return parts.digest({"file": inputs.tree(folder, only)})


def staged_copy(folder: Path, into: Path) -> Path:
    return contexts.copy(folder, inputs.tree(folder), into)


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
    assert digest(copy) == digest(folder)


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
    before = digest(folder)
    assert callable(change)
    change(folder)
    assert digest(folder) != before


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_a_build_does_not_see_does_not_change_it(folder: Path, tmp_path: Path, name: str) -> None:
    before = digest(folder)
    write(folder, {name: b"anything"})
    assert digest(folder) == before
    staged = staged_copy(folder, tmp_path / "staged")
    assert not (staged / name).exists()


def test_chosen_files_count_whatever_their_order(folder: Path) -> None:
    both = digest(folder, ["service.toml", "run"])
    assert both == digest(folder, ["run", "service.toml"])
    assert both != digest(folder, ["run"])
    write(folder, {"pkg/app.py": b"changed"})
    assert both == digest(folder, ["service.toml", "run"])


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
    staged = staged_copy(folder, tmp_path_factory.mktemp("staged"))
    assert digest(staged) == digest(folder)
    assert [path.relative_to(staged) for path in context.files(staged)] == [
        path.relative_to(folder) for path in context.files(folder)
    ]
    assert {path for path in staged.rglob("*") if path.is_file()} == set(context.files(staged))


def test_staged_files_keep_what_counts_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    (folder / "pkg" / "app.py").chmod(0o640)
    staged = staged_copy(folder, tmp_path)
    assert staged.parent == tmp_path
    modes = {path.name: path.stat().st_mode & 0o777 for path in staged.rglob("*") if path.is_file()}
    assert modes == {"service.toml": 0o644, "app.py": 0o644, "run": 0o755}


def test_a_file_that_changes_after_the_plan_ends_the_build(folder: Path, tmp_path: Path) -> None:
    """Else an image would carry the digest of something else than it is made of."""
    planned = inputs.tree(folder)
    write(folder, {"pkg/app.py": b"later"})
    with pytest.raises(DockwrightError, match=r"pkg/app.py changed after it was planned with"):
        contexts.copy(folder, planned, tmp_path / "one")
    (folder / "pkg" / "app.py").unlink()
    with pytest.raises(UnreadableInput, match=r"pkg/app.py cannot be read: No such file"):
        contexts.copy(folder, planned, tmp_path / "two")


def test_a_file_that_comes_after_the_plan_is_not_built(folder: Path, tmp_path: Path) -> None:
    planned = inputs.tree(folder)
    write(folder, {"pkg/new.py": b"later"})
    assert inputs.tree(contexts.copy(folder, planned, tmp_path)) == planned


def test_equal_content_has_one_copy_and_other_content_another_name(folder: Path, tmp_path: Path) -> None:
    """BuildKit tells contexts apart by their folder's name: one name must never stand for two contents."""
    first = staged_copy(folder, tmp_path)
    assert staged_copy(folder, tmp_path) == first
    write(folder, {"pkg/app.py": b"x = 2\n"})
    assert staged_copy(folder, tmp_path).name != first.name
    assert contexts.texts({"a": "1"}, tmp_path) != contexts.texts({"a": "2"}, tmp_path)


def test_an_empty_folder_can_be_staged(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert list(staged_copy(tmp_path / "empty", tmp_path).iterdir()) == []


LOCK = b"""\
# Made by ./dockwright lock
# inputs: sha256:1

fastapi==0.165.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via: ServiceRegistry/requirements.in: fastapi
"""


@pytest.mark.parametrize("name", sorted(inputs.LOCKS))
def test_comments_of_locks_decide_nothing(folder: Path, name: str) -> None:
    write(folder, {name: LOCK})
    before = digest(folder)
    for other in (LOCK.replace(b"sha256:1\n", b"sha256:2\n"), LOCK.replace(b"# via", b"# another"), LOCK + b"# end\n"):
        write(folder, {name: other})
        assert digest(folder) == before


@pytest.mark.parametrize(("old", "new"), [(b"0.165.0", b"0.166.0"), (b"sha256:bb", b"sha256:cc"), (b"fastapi", b"x")])
def test_every_other_word_of_a_lock_does(folder: Path, old: bytes, new: bytes) -> None:
    write(folder, {"requirements.lock": LOCK})
    before = digest(folder)
    write(folder, {"requirements.lock": LOCK.replace(old, new)})
    assert digest(folder) != before


def test_only_the_locks_that_builds_read_are_read_like_that(folder: Path) -> None:
    for name in ("pkg/requirements.lock", "other.lock"):
        write(folder, {name: LOCK})
        before = digest(folder)
        write(folder, {name: LOCK + b"# end\n"})
        assert digest(folder) != before


def test_pins_are_read_off_every_lock(folder: Path) -> None:
    other = LOCK.replace(b"fastapi==0.165.0", b"cmake==4.1")
    write(folder, {"requirements.lock": LOCK, "build.lock": other, "pkg/build.lock": LOCK.replace(b"fastapi", b"no")})
    assert inputs.pinned(folder) == {"fastapi": "0.165.0", "cmake": "4.1"}


def test_a_link_that_leads_nowhere_is_one_clear_line(folder: Path, tmp_path: Path) -> None:
    (folder / "pkg" / "gone").symlink_to("nowhere")
    with pytest.raises(UnreadableInput, match="pkg/gone is a symbolic link to nowhere, which is not there"):
        digest(folder)
    with pytest.raises(UnreadableInput, match="pkg/gone"):
        staged_copy(folder, tmp_path / "staged")


def test_a_name_that_is_not_utf8_is_one_clear_line(folder: Path) -> None:
    Path(os.fsdecode(bytes(folder) + b"/pkg/\xff.py")).touch()
    with pytest.raises(UnreadableInput, match=r"pkg/\\udcff.py has a name that is not UTF-8"):
        digest(folder)


def test_docker_leaves_out_what_digests_leave_out() -> None:
    """The Dockerfile of services must see no file that the digest does not cover."""
    text = (Path(__file__).parents[2] / "fleet/services/Dockerfile.dockerignore").read_text()
    expected = {f"**/{name}" for name in context.FOLDERS} | {f"**/*{suffix}" for suffix in context.SUFFIXES} | {"**/.*"}
    said = {line for line in text.splitlines() if not line.startswith("#")}
    assert said == expected | {f"**/{name}" for name in context.NAMES}
