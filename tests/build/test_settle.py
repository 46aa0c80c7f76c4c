"""fleet/build/settle as a build step runs it, on a small file system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "fleet" / "build" / "settle"
EPOCH = 1_000_000_000
LATER, EARLIER = EPOCH + 5, EPOCH - 5


def settle(root: Path) -> None:
    env = {**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)}
    subprocess.run((sys.executable, "-B", SCRIPT, root), check=True, env=env)


def made(root: Path, name: str, when: int) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    os.utime(path, (when, when))
    return path


def test_no_time_is_after_the_epoch_and_earlier_ones_stay(tmp_path: Path) -> None:
    late, early = made(tmp_path, "usr/lib/late", LATER), made(tmp_path, "opt/early", EARLIER)
    link = tmp_path / "usr" / "link"
    link.symlink_to("/nowhere")
    settle(tmp_path)
    times = {path: path.lstat().st_mtime for path in (late, early, link, tmp_path / "usr", tmp_path / "usr/lib")}
    assert times.pop(early) == EARLIER
    assert set(times.values()) == {EPOCH}


def test_what_differs_from_one_build_to_the_next_goes_and_folders_stay(tmp_path: Path) -> None:
    going = (
        "var/log/apt/history.log",
        "var/cache/ldconfig/aux-cache",
        "var/lib/dpkg/status-old",
        "root/.cache/a/b",
        "tmp/a",
    )
    for name in (*going, "var/lib/dpkg/status"):
        made(tmp_path, name, EARLIER)
    (tmp_path / "tmp" / "link").symlink_to(tmp_path / "var")
    settle(tmp_path)
    assert [name for name in going if (tmp_path / name).exists()] == []
    assert (tmp_path / "var/lib/dpkg/status").exists()
    assert list((tmp_path / "tmp").iterdir()) == []
    assert (tmp_path / "var/log").is_dir()


def test_what_the_engine_binds_is_left_alone(tmp_path: Path) -> None:
    names = ("etc/hosts", "etc/resolv.conf", "run/secrets/token", "dev/null", "scripts/settle")
    before = {made(tmp_path, name, LATER) for name in names}
    settle(tmp_path)
    assert {path.lstat().st_mtime for path in before} == {LATER}
