"""fleet/build/delta.py as a build runs it: what of a lock neither the parent's file system nor compiled wheels have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dockwright.lock.pins import read_lock

SCRIPT = Path(__file__).parents[2] / "fleet" / "build" / "delta.py"
LOCK = """\
# Made by ./dockwright lock
numpy==2.4.6 \\
    --hash=sha256:a1 \\
    --hash=sha256:aa \\
    --hash=sha256:a3
    # file: numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl 123 sha256:aa
    # via: fleet/families/base/requirements.in: numpy
llama-cpp-python==0.3.36 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # file: llama_cpp_python-0.3.36.tar.gz 4 sha256:cc
    # via: fleet/families/base/requirements.in: llama-cpp-python
uvicorn[standard]==0.54.0 \\
    --hash=sha256:dd
    # file: uvicorn-0.54.0-py3-none-any.whl 5 sha256:dd
"""


def delta(
    folder: Path, *, has: tuple[str, ...] = (), compiled: tuple[str, ...] = (), text: str = LOCK
) -> subprocess.CompletedProcess[str]:
    for name in has:
        (folder / "parent/usr/local/lib/python3.11/dist-packages" / f"{name}.dist-info").mkdir(parents=True)
    wheels = folder / "wheels"
    wheels.mkdir()
    for name in compiled:
        (wheels / f"{name}-py3-none-linux_x86_64.whl").touch()
    (folder / "requirements.lock").write_text(text)
    words = (sys.executable, SCRIPT, folder / "parent", folder / "requirements.lock", wheels)
    return subprocess.run(words, capture_output=True, text=True, check=False)


def names(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split("==")[0] for line in done.stdout.splitlines()]


def test_nothing_is_there_so_all_is_asked_for(tmp_path: Path) -> None:
    assert names(delta(tmp_path)) == ["numpy", "llama-cpp-python", "uvicorn[standard]"]


def test_only_the_file_that_the_lock_names_is_allowed(tmp_path: Path) -> None:
    assert delta(tmp_path).stdout.splitlines() == [
        "numpy==2.4.6 --hash=sha256:aa",
        "llama-cpp-python==0.3.36 --hash=sha256:cc",
        "uvicorn[standard]==0.54.0 --hash=sha256:dd",
    ]


def test_no_pin_of_the_fleets_locks_is_overlooked(tmp_path: Path) -> None:
    for lock in (SCRIPT.parents[1] / "families").glob("*/requirements.lock"):
        (tmp_path / lock.parent.name).mkdir()
        found = names(delta(tmp_path / lock.parent.name, text=lock.read_text()))
        assert found and set(found) == set(read_lock(lock))


def test_what_the_parent_or_an_earlier_stage_has_is_not(tmp_path: Path) -> None:
    done = delta(tmp_path, has=("numpy-2.4.6",), compiled=("llama_cpp_python-0.3.36",))
    assert names(done) == ["uvicorn[standard]"]


@pytest.mark.parametrize(("has", "compiled"), [(("numpy-2.0.0",), ()), ((), ("llama_cpp_python-0.3.35",))])
def test_another_version_is_refused_wherever_it_lies(
    has: tuple[str, ...], compiled: tuple[str, ...], tmp_path: Path
) -> None:
    done = delta(tmp_path, has=has, compiled=compiled)
    assert done.returncode == 1
    assert "is there already, the lock wants" in done.stderr
