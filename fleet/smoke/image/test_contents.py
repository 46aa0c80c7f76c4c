"""Every image of the fleet: what was left out of it, and that what stayed is whole."""

import base64
import csv
import hashlib
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGES = Path(f"/usr/local/lib/python3.{sys.version_info[1]}/dist-packages")
# What a person types who looks into a container.
TYPED = (
    "cat",
    "df",
    "env",
    "find",
    "grep",
    "head",
    "id",
    "less",
    "ls",
    "netstat",
    "ps",
    "sed",
    "tail",
    "top",
    "vi",
)
# Python's modules for other systems, those that Debian keeps in packages of their own, and two that open or print.
ELSEWHERE = {
    *("_msi", "_overlapped", "_scproxy", "_winapi", "msilib", "msvcrt", "nt", "winreg", "winsound"),
    *("_gdbm", "_tkinter", "ensurepip", "idlelib", "lib2to3", "tkinter", "turtle", "turtledemo"),
    *("antigravity", "this"),
}
LEFT_OUT = {"_dbm", "nis", "pydoc_data"}
# Longer files are held against their size only.
HASHED = 4_000_000


def test_a_person_can_look_around() -> None:
    found = [name for name in TYPED if not any(Path(top, name).exists() for top in os.get_exec_path())]
    assert found == [], found
    said = subprocess.check_output(
        ["sh", "-c", "ps | grep -c sh; ls /app | head -n 1; find /etc/os-release"], text=True
    )
    assert said.endswith("/etc/os-release\n"), said


def test_every_name_of_busybox_is_one_that_it_answers_to() -> None:
    known = set(subprocess.check_output(["busybox", "--list"], text=True).split())
    links = [path for path in Path("/usr/bin").iterdir() if path.is_symlink() and str(path.readlink()) == "busybox"]
    wrong = [path.name for path in links if path.name not in known]
    assert len(links) > 50, links
    assert wrong == [], wrong


def test_pythons_own_modules_can_be_imported() -> None:
    missing = set()
    for name in sys.stdlib_module_names - ELSEWHERE:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.add(name)
    assert missing == LEFT_OUT, missing ^ LEFT_OUT


def recorded() -> Iterator[tuple[Path, str, str]]:
    """Every file that a Python package says it holds, with its digest and its length where it says them."""
    for record in PACKAGES.glob("*.dist-info/RECORD"):
        for name, digest, size in csv.reader(record.read_text().splitlines()):
            yield Path(os.path.normpath(PACKAGES / name)), digest, size


def test_python_packages_are_what_they_say() -> None:
    wrong = []
    for path, digest, size in recorded():
        if not path.is_file() or (size and path.stat().st_size != int(size)):
            wrong.append(str(path))
        elif digest and path.stat().st_size < HASHED:
            kind, _, wanted = digest.partition("=")
            found = hashlib.new(kind, path.read_bytes()).digest()
            if base64.urlsafe_b64encode(found).rstrip(b"=").decode() != wanted:
                wrong.append(str(path))
    assert wrong == [], wrong[:20]


def test_python_packages_have_no_other_files() -> None:
    known = {path for path, _, _ in recorded()}
    found = (Path(here, name) for here, _, names in os.walk(PACKAGES) for name in names if not name.endswith(".pyc"))
    other = [str(path) for path in found if path not in known and PACKAGES / "servicekit" not in path.parents]
    assert other == [], other[:20]
