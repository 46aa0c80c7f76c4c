"""Debian packages are locked from the real archive, by the real apt, without a trace on the host."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dockwright.lock import apt, deb_drift, deb_tasks, debs, lists
from dockwright.lock.resolver import Stop
from dockwright.spec.load import load_fleet

CASES = Path(__file__).parents[1] / "cases" / "lock"


def test_a_root_and_a_family_on_it_are_locked_and_verified(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    root = tmp_path / "repo"
    shutil.copytree(CASES / "fleet", root / "fleet")
    fleet = load_fleet(root / "fleet")
    tasks = list(deb_tasks.tasks(fleet, root).values())
    lists.ensure_maker(allowed=not request.config.option.no_install, say=print)
    status = Path("/var/lib/dpkg/status").stat().st_mtime_ns

    made = {task.name: lock for task, lock, _ in apt.make(fleet, tasks, root, Stop())}

    assert {"python3.11", "tini", "libc6", "dash"} <= set(made["debian"].debs)
    assert not {"apt", "usrmerge", "perl"} & set(made["debian"].debs)
    assert made["base"].debs["curl"].via == ("apt.in",)
    assert made["base"].debs["libcurl4"].via == ("curl",)
    assert not set(made["base"].debs) & set(made["debian"].debs), "a family only adds"
    assert made["debian"].head["archive"].startswith("bookworm ")
    assert [finding for task in tasks for finding in deb_drift.stale(task, fleet, root, {})] == []
    assert apt.verify(fleet, tasks, root, Stop()) == []

    path = root / "fleet" / "families" / "base" / "apt.lock"
    sha256 = debs.read(path, "apt.lock").debs["curl"].sha256
    path.write_text(path.read_text().replace(sha256, "sha256:" + "0" * 64))
    assert [finding.path for finding in apt.verify(fleet, tasks, root, Stop())] == ["curl"]
    assert Path("/var/lib/dpkg/status").stat().st_mtime_ns == status


def test_the_archive_says_which_packages_bring_a_file(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    fleet = load_fleet(CASES / "fleet")
    lists.ensure_maker(allowed=not request.config.option.no_install, say=print)
    with apt.opened(fleet, "debian", Stop()) as archive:
        found = archive.holding({"libpulse.so.0", "libnvinfer.so.10"})
    assert "libpulse0" in found["libpulse.so.0"]
    assert found["libnvinfer.so.10"] == ()
