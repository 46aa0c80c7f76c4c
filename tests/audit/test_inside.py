"""What is told of a file system: its ELF files, links, scripts, packages. The files are this host's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dockwright.audit import calls, elf, inside, system
from dockwright.audit.system import Owner

SITE = "usr/local/lib/python3.11/dist-packages"


def libraries_of_this_process() -> list[Path]:
    """Real libraries: those that this interpreter has loaded, the smallest first."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return sorted(
        {Path(line.split()[-1]) for line in lines if ".so" in line.split()[-1]}, key=lambda path: path.stat().st_size
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small file system with a program, a library under a link, a Python package and a Debian package."""
    made = tmp_path / "root"
    files = {
        "usr/bin/run": b"#!/usr/bin/env python3 -I\nprint()\n",
        "usr/bin/plain": b"no first line",
        "usr/share/doc/x": b"#!/bin/sh\n",
        f"{SITE}/pkg/__init__.py": b'import ctypes\nctypes.CDLL("libx.so.1")\n',
        f"{SITE}/pkg-1.0.dist-info/METADATA": b"Name: Pkg\nVersion: 1.0\nRequires-Dist: other>=1\n",
        f"{SITE}/pkg-1.0.dist-info/RECORD": b"pkg/__init__.py,,\n../../../bin/run,,\npkg-1.0.dist-info/RECORD,,\n",
        "app/broken.py": b"def (\n",
        "app/truncated.so": elf.MAGIC + b"\x02\x01\x01",
        "var/lib/dpkg/status": b"Package: dash\nStatus: install ok installed\n\n",
        "var/lib/dpkg/info/dash.list": b"/.\n/bin\n/bin/sh\n",
        "proc/1/exe.py": b'import subprocess\nsubprocess.run(["kernel"])\n',
    }
    for name, content in files.items():
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (made / "usr/bin/run").chmod(0o755)
    (made / "usr/bin/plain").chmod(0o755)
    (made / "bin").symlink_to("usr/bin")
    shutil.copy(Path("/bin/sh").resolve(), made / "usr/bin/sh")
    (made / "usr/lib").mkdir()
    shutil.copy(libraries_of_this_process()[0], made / "usr/lib/library.so.1.2")
    (made / "usr/lib/library.so.1").symlink_to("library.so.1.2")
    return made


def test_a_file_system_is_told_as_it_is(root: Path) -> None:
    told = inside.look(root)
    assert set(told["elf"]) == {"/usr/bin/sh", "/usr/lib/library.so.1.2"}
    assert told["elf"]["/usr/bin/sh"]["program"]
    assert "libc.so.6" in told["elf"]["/usr/bin/sh"]["needed"]
    assert any(version.startswith("GLIBC_") for version in told["elf"]["/usr/bin/sh"]["wants"]["libc.so.6"])
    assert set(told["broken"]) == {"/app/truncated.so"}
    assert told["links"] == {"/bin": "usr/bin", "/usr/lib/library.so.1": "library.so.1.2"}
    assert told["scripts"] == {"/usr/bin/plain": "", "/usr/bin/run": "/usr/bin/env python3 -I"}
    assert told["calls"] == [["library", "libx.so.1", f"/{SITE}/pkg/__init__.py", 2]]
    assert told["lists"] == {"dash": ["/.", "/bin", "/bin/sh"]}
    assert (told["cache"], told["library_path"]) == ([], [])


def test_owners_follow_from_lists_and_records(root: Path) -> None:
    seen = system.read(json.loads(json.dumps(inside.look(root))))
    assert seen.owner("/bin/sh") == seen.owner("/usr/bin/sh") == Owner("debian", "dash")
    assert seen.owner("/usr/local/bin/run") == seen.owner(f"/{SITE}/pkg/__init__.py") == Owner("python", "pkg")
    assert seen.owner("/usr/lib/library.so.1") == Owner()
    assert seen.records == {"pkg==1.0": ("pkg/__init__.py", "../../../bin/run", "pkg-1.0.dist-info/RECORD")}
    assert seen.requires == {"pkg": {"other"}}


def test_the_loaders_cache_is_read_where_there_is_one(root: Path) -> None:
    (root / "etc").mkdir()
    shutil.copy("/etc/ld.so.cache", root / "etc/ld.so.cache")
    cache = inside.look(root)["cache"]
    assert any(name == "libc.so.6" and path.startswith("/") for name, _, path in cache)
    assert ("libc.so.6", "x86-64") in system.read(inside.look(root)).cache or os.uname().machine != "x86_64"


def test_it_needs_nothing_but_a_python_and_pyelftools(root: Path, tmp_path: Path) -> None:
    """As in an image: only these modules are on the path."""
    from dockwright.audit import look

    look.bring(tmp_path / "brought")
    code = "import json, sys; from pathlib import Path; from dockwright.audit import inside; "
    code += "print(json.dumps(inside.look(Path(sys.argv[1]))))"
    words = (sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, sys.argv[2]); {code}", root)
    done = subprocess.run((*words, tmp_path / "brought"), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == inside.look(root)


@pytest.mark.parametrize("content", [b"\x7fELF", b"\x7fELF" + b"\xff" * 60, b"\x7fELF\x02\x01\x01" + b"\x00" * 9])
def test_what_only_begins_like_elf_is_broken(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(elf.Broken):
        elf.read(tmp_path / "x")


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh", b"\x7fEL"])
def test_other_files_are_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    assert elf.read(tmp_path / "x") is None


def test_every_cut_of_a_library_is_read_or_refused(tmp_path: Path) -> None:
    """Files of images are input like any other: none may end the look."""
    data = libraries_of_this_process()[0].read_bytes()
    for size in range(4, len(data), len(data) // 40):
        read_or_refused(tmp_path / "cut", data[:size])
    for at in range(16, 1500, 11):
        read_or_refused(tmp_path / "bent", data[:at] + b"\xff\xfe" + data[at + 2 :])


def read_or_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        elf.read(path)
    except elf.Broken as error:
        assert str(error)


def reads(path: Path) -> dict[str, Any]:
    found = elf.read(path)
    assert found is not None
    return found


def test_names_are_those_that_the_host_knows() -> None:
    for path in libraries_of_this_process():
        assert reads(path)["kind"].endswith(("64", "32"))
        assert all(name and "\0" not in name for name in reads(path)["needed"])
    assert calls.__name__ in sys.modules
