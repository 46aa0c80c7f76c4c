"""`verify` on real engines: roots and CPU families come out the same twice, and what does not is caught by name."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dockwright.build import twice
from dockwright.engine import bridge, daemon
from dockwright.engine.state import state_dir
from engines import locked, standins
from engines.conftest import Machine, Running
from engines.fleet import ROOT, Fleet

# Roots are made four times, and images twice, the second time without any cache.
pytestmark = pytest.mark.timeout(3000)
FAMILIES = ["base-python", "base-utils", "base-cpu-pydeps", "family-web"]
ROOTS = ["debian-bookworm", "debian-bookworm/build"]
LEGACY = "legacy-py310-cpu"
LEGACY_ROOTS = ["ubuntu-jammy", "ubuntu-jammy/build"]
RECIPE = Path("fleet/families/base-python/Dockerfile")
STEP = 'RUN --mount=type=bind,from=scripts,target=/scripts /scripts/make-user "$PYTHON"\n'
LUCK = "RUN head -c 20 /dev/urandom > /etc/luck && touch --date=@$SOURCE_DATE_EPOCH /etc/luck /etc\n"
# What a run that was killed leaves behind; in a process of its own, which ends.
KILLED = """
import sys
from pathlib import Path
from dockwright.engine import daemon
daemon.start(daemon.Daemon(Path(sys.argv[1]), builds_only=True), Path(sys.argv[2]), print)
"""


def verify(fleet: Fleet, *names: str) -> tuple[int, dict[str, Any]]:
    done = fleet.run("verify", "--json", *names, timeout=2800)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert not (state_dir() / "verify").exists(), "its engine and its images are gone"
    links = {name for _, name in socket.if_nameindex()}
    assert not [name for name in links if name.startswith(bridge.PREFIX)]
    assert "docker0" in links, "the engine in use keeps its network"
    return done.returncode, found


@pytest.fixture(scope="module")
def verified(engine: Running, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any]]:
    made = standins.checkout(tmp_path_factory.mktemp("verified"))
    tool = Fleet(engine.client, made.root)
    locked.again(tool)
    return verify(tool)


def test_roots_and_cpu_families_are_the_same_bytes_twice(verified: tuple[int, dict[str, Any]], jammy: str) -> None:
    code, found = verified
    families = [*FAMILIES, *([] if jammy else [LEGACY])]
    made = [*ROOTS, *([] if jammy else LEGACY_ROOTS)]
    assert {image["name"] for image in found["images"]} == {*(f"root {name}" for name in made), *families}
    assert {image["name"]: image["differences"] for image in found["images"] if image["differences"]} == {}
    assert found["identical"]
    assert len({image["first"] for image in found["images"]}) == len(found["images"])
    assert found["not_as_locked"] == {}
    assert found["not_built"] == ([{"name": LEGACY, "why": jammy}] if jammy else [])
    assert code == (3 if jammy else 0)
    if not twice.SYSTEM_CONTAINERD.exists():
        assert found["builder"] == twice.SECOND_ENGINE
    print(json.dumps(found, indent=2))


def test_the_legacy_family_is_among_them(verified: tuple[int, dict[str, Any]], jammy: str) -> None:
    if jammy:
        pytest.skip(jammy)
    names = {image["name"] for image in verified[1]["images"] if image["identical"]}
    assert {LEGACY, *(f"root {name}" for name in LEGACY_ROOTS)} <= names


@pytest.fixture
def lucky(engine: Running, tmp_path: Path) -> Fleet:
    """A checkout in which a family's Dockerfile writes a file with random content."""
    for folder in ("src", "servicekit/src", "fleet"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    text = (tmp_path / RECIPE).read_text()
    assert STEP in text
    (tmp_path / RECIPE).write_text(text.replace(STEP, STEP + LUCK))
    return Fleet(engine.client, tmp_path)


def test_a_file_of_random_content_is_caught_and_named(lucky: Fleet, machine: Machine) -> None:
    killed = daemon.Daemon(state_dir() / "verify" / "engine", builds_only=True)
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    subprocess.run((sys.executable, "-c", KILLED, killed.home, machine.client), env=env, check=True)
    number = killed.pid()
    code, found = verify(lucky, "base-python")
    assert number
    assert not Path(f"/proc/{number}").exists()
    assert (code, found["identical"]) == (1, False)
    roots, image = found["images"][:-1], found["images"][-1]
    assert [root["name"] for root in roots] == ["root debian-bookworm", "root debian-bookworm/build"]
    assert all(root["identical"] for root in roots)
    assert image["first"] != image["second"]
    (difference,) = image["differences"]
    assert difference["path"] == "/etc/luck"
    assert difference["what"].startswith("content ")
    assert difference["files"] == 1
    assert "/dev/urandom" in difference["where"]
