"""The repository as a whole: linted, formatted, typed, its generated pages up to date, nothing of one machine in it."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dockwright.cli import main

ROOT = Path(__file__).parents[1]
SERVICES = sorted(path.parent for path in (ROOT / "fleet" / "services").glob("*/service.toml"))
TOP = ["conftest.py", "src", "tests", "benchmarks", "servicekit", "fleet/build"]
# A home folder's or a checkout's path, wherever it stands in a line.
HOME = re.compile(rb"(?<![\w.$-])/(?:home|Users)/[a-z][\w-]*/|(?<![\w.$/-])/(?:work|workspace|builds)/[a-z]")


def tracked() -> list[Path]:
    """Every file that is or is about to be in the repository."""
    words = ("git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), "ls-files", "-z")
    done = subprocess.run((*words, "--cached", "--others", "--exclude-standard"), capture_output=True, check=True)
    paths = (ROOT / os.fsdecode(name) for name in done.stdout.split(b"\0") if name)
    return [path for path in paths if path.is_file()]


def content(*words: str, **env: str) -> None:
    """Run a program of the test environment; what it complains about is the failure."""
    command = [sys.executable, "-m", *words]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)


def test_ruff_is_content() -> None:
    content("ruff", "check", "--output-format=concise", "--no-cache")


def test_everything_is_formatted() -> None:
    content("ruff", "format", "--check", "--no-cache")


def test_the_tool_the_kit_and_the_tests_are_typed() -> None:
    content("mypy", *TOP)


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: str(path.name))
def test_a_service_is_typed(service: Path) -> None:
    """Each by itself: test modules of two services may have the same name."""
    path = os.pathsep.join(map(str, (service, service / "tests", ROOT / "tests")))
    content("mypy", "--cache-dir", str(ROOT / ".mypy_cache" / "services"), str(service), MYPYPATH=path)


def test_smoke_tests_are_typed() -> None:
    """Those of all images at once: their names are unique, and in an image they lie on one path too."""
    files = sorted((ROOT / "fleet").rglob("smoke/**/*.py"))
    folders = os.pathsep.join(sorted({str(path.parent) for path in files}))
    assert files
    content("mypy", "--cache-dir", str(ROOT / ".mypy_cache" / "smoke"), *map(str, files), MYPYPATH=folders)


def test_generated_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--check"]) == 0, capsys.readouterr().out


def test_no_lock_of_another_kind_is_tracked() -> None:
    assert [str(path) for path in tracked() if path.name in ("uv.lock", "poetry.lock", "Pipfile.lock")] == []


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    here = re.compile(re.escape(os.fsencode(ROOT)) + rb"\b|" + HOME.pattern)
    found = [f"{path}: {match[0]!r}" for path, data in contents() if (match := here.search(data))]
    assert found == []


def test_no_file_names_this_machines_package_index() -> None:
    """Indexes and mirrors are configured on a machine; a lock that names one works nowhere else."""
    hosts = index_hosts()
    found = [
        f"{path.relative_to(ROOT)}: {host}" for path, data in contents() for host in hosts if host.encode() in data
    ]
    assert found == []


def test_no_lock_names_an_index() -> None:
    option = re.compile(rb"^\s*(--index-url|--extra-index-url|--find-links|--trusted-host|-i|-f)\b", re.MULTILINE)
    locks = [path for path in tracked() if path.suffix in (".lock", ".in")]
    assert len(locks) > 5
    assert [str(path) for path in locks if option.search(path.read_bytes())] == []


def test_no_file_holds_a_credential() -> None:
    """Passwords in addresses, private keys, tokens of well-known makers; a test's `user:word@` is too short for one."""
    secret = re.compile(
        rb"https?://[\w.-]+:(?!\*)[^\s@/'\"{}<>$]{10,}@|-----BEGIN [A-Z ]*PRIVATE KEY-----|"
        rb"\bgh[pousr]_[A-Za-z0-9]{30,}|\bAKIA[0-9A-Z]{16}\b|\bxox[baprs]-[0-9A-Za-z-]{20,}|\bpypi-[A-Za-z0-9_-]{50,}"
    )
    found = [f"{path}: {match[0]!r}" for path, data in contents() if (match := secret.search(data))]
    assert found == []


def test_services_do_not_import_each_other() -> None:
    """All tests run in one process with every service's folder on its path; in its image each is alone."""
    packages = {package: service.name for service in SERVICES for package in importable(service)}
    found = [
        f"{path.relative_to(ROOT)} imports {name} of {packages[name]}"
        for service in SERVICES
        for path in service.rglob("*.py")
        for name in imports(path)
        if packages.get(name, service.name) != service.name
    ]
    assert found == []


def test_no_two_modules_of_tests_or_services_have_one_name() -> None:
    """The folders below are on one path: a second module of a name would never be imported."""
    owners: dict[str, list[str]] = defaultdict(list)
    folders = [ROOT / "src", ROOT / "servicekit" / "src", ROOT / "tests", ROOT / "fleet" / "build", *SERVICES]
    folders += [service / "tests" for service in SERVICES]
    for folder in folders:
        for name in importable(folder):
            owners[name].append(str(folder.relative_to(ROOT)))
    shared = {name: where for name, where in owners.items() if len(where) > 1}
    # `tests` is never imported by this name: pytest names such modules after their whole path.
    assert {name: where for name, where in shared.items() if name != "tests"} == {}


def contents() -> Iterator[tuple[Path, bytes]]:
    """Every tracked file but this one, whose patterns would find themselves."""
    yield from ((path, path.read_bytes()) for path in tracked() if path != Path(__file__))


def importable(folder: Path) -> set[str]:
    """Names that a folder on the path makes importable; tests and conftests are known to pytest by their path."""
    modules = {path.stem for path in folder.glob("*.py")}
    packages = {path.parent.name for path in folder.glob("*/*.py")}
    return {name for name in modules | packages if name != "conftest" and not name.startswith("test_")}


def imports(path: Path) -> Iterator[str]:
    """Top-level names that a module imports."""
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def index_hosts() -> set[str]:
    """Host names of the package indexes and archives that this machine is configured with, the public ones aside."""
    texts = [value for key, value in os.environ.items() if "INDEX" in key]
    for name in ("/etc/pip.conf", "~/.config/pip/pip.conf", "~/.pip/pip.conf", "~/.config/uv/uv.toml"):
        path = Path(name).expanduser()
        texts += [path.read_text(errors="replace")] if path.is_file() else []
    for path in (*Path("/etc/apt").glob("sources.list"), *Path("/etc/apt").glob("sources.list.d/*")):
        texts.append(path.read_text(errors="replace"))
    hosts = {urlsplit(url).hostname or "" for text in texts for url in re.findall(r"https?://[^\s\"']+", text)}
    public = re.compile(r"(^|\.)(debian\.org|ubuntu\.com|pypi\.org|pythonhosted\.org|nodesource\.com|google\.com)$")
    return {host for host in hosts if host and not public.search(host)}
