"""Folders of the host's own tools: whole from the moment they have their name, made once, usable by themselves."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dockwright.build import tools


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def test_the_folder_of_uv_holds_a_uv_that_runs_and_nothing_else() -> None:
    folder = tools.uv_folder()
    assert [path.name for path in folder.iterdir()] == ["uv"]
    done = subprocess.run([folder / "uv", "--version"], capture_output=True, text=True, check=True)
    assert f"uv=={done.stdout.split()[1]}" in tools.versions()


def test_bills_of_materials_can_be_written_with_that_folder_alone() -> None:
    folder = tools.cyclonedx_folder()
    code = "import cyclonedx.model.bom, cyclonedx.output.json; print(cyclonedx.__file__)"
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); {code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(str(folder))


def test_a_folder_that_is_there_is_not_made_again(state: Path) -> None:
    folder = tools.cyclonedx_folder()
    before = folder.stat().st_ino
    assert tools.cyclonedx_folder() == folder
    assert folder.stat().st_ino == before


def test_two_runs_at_once_end_with_one_whole_folder(state: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(lambda _: tools.cyclonedx_folder(), range(4)))
    (folder,) = folders
    assert [path.name for path in (state / "tools").iterdir()] == [folder.name]


def test_caches_of_this_interpreter_are_left_out() -> None:
    assert list(tools.cyclonedx_folder().rglob("__pycache__")) == []
