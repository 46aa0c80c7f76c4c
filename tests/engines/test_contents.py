"""What a service's image holds and does not hold: by its own dpkg, by file, and by what a start loads."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from dockwright.build import slim
from dockwright.spec.load import load_fleet
from engines.conftest import Machine, Running
from engines.fleet import ROOT, Fleet

pytestmark = [pytest.mark.engines, pytest.mark.timeout(900)]
APT = ROOT / "fleet" / "families" / "base-utils" / "apt.lock"
SERVICE = "mainpc/UnifiedObservabilityCenter"
# Modules whose byte code is not there, of those that are named on standard input.
COMPILED_ANEW = """
import importlib.util, os, sys
for name in sys.stdin.read().split():
    try:
        found = importlib.util.find_spec(name)
    except ImportError:  # It was looked for and is not there.
        continue
    if found and found.cached and found.origin != "frozen" and not os.path.exists(found.cached):
        print(name)
"""
# Each module is told as it is loaded, until the service is healthy.
STARTED = """
python3 -X importtime -m servicekit 2>&1 &
curl --silent --fail --output /dev/null --retry 300 --retry-delay 1 --retry-all-errors "http://127.0.0.1:$HEALTH_PORT/health"
kill $!
wait
"""


@pytest.fixture(scope="module")
def image(engine: Running) -> str:
    done = Fleet(engine.client).run("build", "--json", SERVICE)
    assert done.returncode == 0, done.stderr
    return str(next(one["reference"] for one in json.loads(done.stdout)["images"] if one["name"] == SERVICE))


@pytest.fixture(scope="module")
def tree(engine: Running, machine: Machine, image: str) -> Iterator[Path]:
    """The image's file system, below a folder."""
    folder = machine.folder / "tree"
    folder.mkdir()
    container = engine.docker("create", "--pull=never", "--label=io.dockwright.role=measured", image).strip()
    try:
        with engine.client.output("export", container) as archive:
            subprocess.run(("tar", "--extract", "--directory", folder), stdin=archive, check=True)
    finally:
        engine.docker("rm", "--force", container)
    yield folder


def dpkg(tree: Path, *words: str) -> list[str]:
    done = subprocess.run(("dpkg", f"--root={tree}", *words), capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


def test_dpkg_counts_what_is_there_and_nothing_else(tree: Path) -> None:
    installed = {line.split()[1].split(":")[0] for line in dpkg(tree, "--list") if line.startswith("ii ")}
    lists = {path.name.removesuffix(".list").split(":")[0] for path in (tree / "var/lib/dpkg/info").glob("*.list")}
    assert installed == lists
    assert {"curl", "tini", "tzdata", "ca-certificates", "dash", "libssl3"} <= installed
    brought = {line.partition("=")[0] for line in APT.read_text().splitlines()}
    purged = {*load_fleet(ROOT / "fleet").roots["debian-bookworm"].purged}
    assert installed & purged == brought & purged - {"libdb5.3"}
    assert dpkg(tree, "--audit") == []


def test_no_file_of_a_package_is_changed_and_only_those_are_missing_that_are_left_out(tree: Path) -> None:
    left_out = ("*/EXTERNALLY-MANAGED", *slim.EXCLUDED, *(f"/{pattern}*" for pattern in (*slim.REMOVED, *slim.LEFT)))
    wrong = []
    for line in dpkg(tree, "--verify"):
        how, path = line.split()[0], line.split()[-1]
        if how != "missing" or not any(
            fnmatchcase(path, pattern) or fnmatchcase(f"{path}/", pattern) for pattern in left_out
        ):
            wrong.append(line)
    assert wrong == []


def test_every_program_belongs_to_a_package_or_is_busybox(tree: Path) -> None:
    info = tree / "var/lib/dpkg/info"
    owned = {Path(line).name for path in info.glob("*.list") for line in path.read_text().splitlines()}
    made = {"python3", "python"}
    for folder in ("usr/bin", "usr/sbin"):
        paths = [
            path for path in (tree / folder).iterdir() if not path.is_symlink() or str(path.readlink()) != "busybox"
        ]
        assert [path.name for path in paths if path.name not in owned | made] == []


def test_no_link_leads_nowhere(tree: Path) -> None:
    broken = []
    for path in (tree / "usr").rglob("*"):
        if path.is_symlink() and not path.is_relative_to(tree / "usr/share/doc"):
            target = path.readlink()
            there = tree / target.relative_to("/") if target.is_absolute() else path.parent / target
            if not there.is_symlink() and not there.exists():
                broken.append(f"{path.relative_to(tree)} -> {target}")
    assert broken == []


def test_a_start_finds_the_byte_code_of_all_that_it_loads(engine: Running, image: str, tmp_path: Path) -> None:
    token = tmp_path / "fleet-token"
    token.write_text("0123456789abcdef" * 2)
    token.chmod(0o644)
    confined = ("--read-only", "--network=none", "--tmpfs=/tmp", "--tmpfs=/state:uid=10001")
    secret = f"--volume={token}:/run/secrets/fleet-token:ro"
    run = ("run", "--rm", "--interactive", "--pull=never", *confined, secret, image)
    told = engine.docker(*run, "sh", "-c", STARTED)
    loaded = [line.rpartition("|")[2].strip() for line in told.splitlines() if line.startswith("import time:")]
    loaded.append("unified_observability_center.app")  # What importlib is asked for by name Python does not time.
    assert {"asyncio", "fastapi", "uvicorn", "unified_observability_center.overview"} <= set(loaded), told[-2000:]
    assert engine.client.run(*run, "python3", "-c", COMPILED_ANEW, stdin="\n".join(loaded)).split() == []
