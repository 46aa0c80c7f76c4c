"""Builds obey locks of Debian packages; where they cannot, nobody is left in the dark, and no other family waits."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from build.small import relocked

from dockwright.build.planning import Asked, prepare
from dockwright.cli import stood_on
from dockwright.lock import debs, lists
from dockwright.lock.archive import Archive, unreached
from dockwright.spec.load import load_fleet
from engines import locked, standins
from engines.conftest import Machine, Running
from engines.fleet import Fleet

LOCK = Path("fleet/families/base-utils/apt.lock")
LABEL = "io.dockwright.not-as-locked"


@pytest.fixture
def tool(engine: Running, tmp_path: Path) -> Iterator[Fleet]:
    """A checkout to change. The roots are those that other tests have made, or will need."""
    nowhere = {"DOCKWRIGHT_SNAPSHOT": "http://127.0.0.1:9/@ARCHIVE@/@SNAPSHOTID@/"}
    yield Fleet(engine.client, standins.checkout(tmp_path).root, nowhere)


def built(tool: Fleet, name: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What `build --json` says, and the labels of an image."""
    done = tool.run("build", "--json", name)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    (image,) = [one for one in found["images"] if one["name"] == name]
    (inspected,) = tool.docker.inspect("image", [image["reference"]])
    config: Any = inspected["Config"]
    return found, config["Labels"]


def test_what_the_archive_has_no_more_is_built_otherwise_and_told_until_it_is_recorded(tool: Fleet) -> None:
    locked.again(tool)
    version = debs.read(tool.root / LOCK, "").debs["dumb-init"].version
    as_locked, labels = built(tool, "base-utils")
    assert as_locked["not_as_locked"] == {}
    assert LABEL not in labels

    relocked(tool.root / LOCK, "dumb-init", version="1.2.5-1", sha256="sha256:" + "0" * 64)
    refused = tool.run("build", "--locked", "base-utils")
    said = [line for line in refused.stderr.splitlines() if line.startswith("dockwright: ")]
    assert refused.returncode == 1
    gone = "neither the archive nor a snapshot has dumb-init 1.2.5-1"
    assert said == [f"dockwright: base-utils: not built: base-utils cannot be made as locked: {gone}"]

    otherwise, labels = built(tool, "base-utils")
    assert otherwise["not_as_locked"] == {"base-utils": [f"dumb-init {version} instead of 1.2.5-1"]}
    assert {one["name"]: one["not_as_locked"] for one in otherwise["images"]} == {
        "base-python": [],
        "base-utils": ["base-utils"],
    }
    assert labels[LABEL] == "base-utils"
    seen = tool.run("build", "base-utils")
    assert seen.returncode == 0
    assert f"base-utils is not as locked: dumb-init {version} instead of 1.2.5-1\n" in seen.stderr

    recorded = tool.run("lock")
    assert recorded.returncode == 0, recorded.stderr
    assert debs.read(tool.root / LOCK, "").debs["dumb-init"].version == version
    again, labels = built(tool, "base-utils")
    assert again["not_as_locked"] == {}
    assert LABEL not in labels
    assert tool.run("build", "--locked", "base-utils").returncode == 0


def test_what_verify_finds_gone_the_next_lock_makes_again(tool: Fleet) -> None:
    locked.again(tool)
    before = (tool.root / LOCK).read_text()
    relocked(tool.root / LOCK, "dumb-init", version="1.2.5-1", sha256="sha256:" + "0" * 64)
    found = tool.run("lock", "--verify")
    assert found.returncode == 1
    assert "dumb-init: the archive of bookworm has no dumb-init 1.2.5-1 with this sha256 any more\n" in found.stdout
    assert "./dockwright lock makes what does not fit again" in found.stdout
    changed = [line for line in tool.run("lock").stdout.splitlines() if "changed: " in line]
    assert changed, "an archive that moved on meanwhile may have more to change"
    assert str(LOCK) in changed[-1]
    assert debs.read(tool.root / LOCK, "").debs == debs.parse(before, "").debs


@pytest.mark.parametrize("old", ["dumb-init=1.2.5-2", "sha256:a8eae71eb01d"])
def test_a_lock_that_was_edited_by_hand_is_never_built(tool: Fleet, old: str) -> None:
    text = (tool.root / LOCK).read_text()
    assert old in text
    (tool.root / LOCK).write_text(text.replace(old, f"{old[:-1]}9"))
    for words in ((), ("--locked",)):
        done = tool.run("build", "base-utils", *words)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-2:] == [
            f"dockwright: {LOCK}: was changed by hand",
            "  -> ./dockwright lock makes it again",
        ]


def test_a_full_state_folder_is_one_clear_line(tool: Fleet, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    with (tool.root / "fleet" / "families" / "base-python" / "Dockerfile").open("a") as dockerfile:
        dockerfile.write("# another one than any engine has\n")
    subprocess.run(("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", state), check=True)
    try:
        full = Fleet(tool.docker, tool.root, {"DOCKER_HOST": tool.docker.host, "DOCKWRIGHT_STATE": str(state)})
        done = full.run("build", "base-python")
        said = [line for line in done.stderr.splitlines() if line.startswith("dockwright: ")]
        assert (done.returncode, len(said)) == (1, 1), done.stderr
        assert "No space left on device" in said[0]
        assert str(state) in said[0]
        assert "Traceback" not in done.stderr
        assert not list(state.glob("debs/.*"))
    finally:
        subprocess.run(("umount", state), check=True)


def test_a_root_whose_archive_does_not_answer_keeps_no_other_family_from_being_built(
    engine: Running,
    machine: Machine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Debian's root is there from other tests, or made; Ubuntu's cannot be."""
    read = lists.read

    def silent(distribution: str, suite: str, *rest: Any) -> Archive:
        if distribution == "ubuntu":
            raise unreached(suite, "Err:1 http://archive.test jammy InRelease")
        return read(distribution, suite, *rest)

    monkeypatch.setattr(lists, "read", silent)
    monkeypatch.setattr(lists, "keyring", lambda *_: None)
    checkout = standins.checkout(tmp_path).root
    # Packages that no other test has downloaded.
    for name in ("ubuntu-jammy", "ubuntu-jammy.build"):
        relocked(checkout / "fleet" / "roots" / f"{name}.lock", "libc6", sha256="sha256:" + "0" * 64)
    fleet = load_fleet(checkout / "fleet")
    asked = Asked(install=machine.may_install)
    planned = prepare(engine.client, fleet, ["base-python", "legacy-py310-cpu"], [], checkout, asked, machine.say)
    assert list(planned.images) == ["base-python"]
    assert list(planned.unmade) == ["legacy-py310-cpu"]
    assert stood_on.tell(planned) == 3
    assert capsys.readouterr().err.splitlines()[0] == (
        "dockwright: legacy-py310-cpu: not built: the archive of jammy does not answer"
    )
