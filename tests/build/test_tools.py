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
    folder = tools.folder("uv")
    assert [path.name for path in folder.iterdir()] == ["uv"]
    done = subprocess.run([folder / "uv", "--version"], capture_output=True, text=True, check=True)
    assert tools.versions("uv") == {"uv": done.stdout.split()[1]}


def test_bills_of_materials_can_be_written_with_that_folder_alone() -> None:
    folder = tools.folder("cyclonedx")
    code = "import cyclonedx.model.bom, cyclonedx.output.json; print(cyclonedx.__file__)"
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); {code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(str(folder))


def test_a_folder_that_is_there_is_not_made_again(state: Path) -> None:
    folder = tools.folder("cyclonedx")
    before = folder.stat().st_ino
    assert tools.folder("cyclonedx") == folder
    assert folder.stat().st_ino == before


def test_two_runs_at_once_end_with_one_whole_folder(state: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(lambda _: tools.folder("cyclonedx"), range(4)))
    (folder,) = folders
    assert [path.name for path in (state / "tools").iterdir()] == [folder.name]


def test_caches_of_this_interpreter_are_left_out() -> None:
    assert list(tools.folder("cyclonedx").rglob("__pycache__")) == []
