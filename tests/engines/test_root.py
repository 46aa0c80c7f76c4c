"""Roots, for real: exactly what the lock pins, the same bytes twice, and nothing half-made."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from build.small import relocked
from plugins.leftovers import processes_of

from dockwright.build import packages, pool, root
from dockwright.build.oci import Layout
from dockwright.build.root import EPOCH
from dockwright.engine.state import state_dir
from dockwright.errors import Unreachable
from dockwright.lock import deb_tasks, debs, lists
from dockwright.lock.archive import unreached
from dockwright.lock.run import Asked, Run
from dockwright.spec.load import load_fleet
from engines.archives import FAMILY_LOCK, ROOT_LOCK, ensure, repository, snapshots
from engines.conftest import Machine
from engines.fleet import ROOT

MADE = """
import sys
from pathlib import Path
from engines.archives import ensure
ensure(Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def locked(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    lists.ensure_maker(allowed=machine.may_install, say=machine.say)
    return repository(tmp_path_factory.mktemp("locked"))


@pytest.fixture
def repo(locked: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(locked, tmp_path / "repo"))


@pytest.fixture(scope="module")
def state(machine: Machine) -> Path:
    """Where what the first tests download stays for the others."""
    return machine.folder / "roots"


@pytest.fixture(autouse=True)
def here(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(state))


@pytest.fixture
def nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(distribution: str, suite: str, *rest: object) -> None:
        raise unreached(suite, "")

    monkeypatch.setattr(lists, "read", read)


def files(layout: Layout) -> dict[str, tuple[int, bytes]]:
    """Path -> time and content of what is in a layout's only layer."""
    blobs = layout.path / "blobs" / "sha256"
    manifest = json.loads((blobs / layout.digest.removeprefix("sha256:")).read_text())
    with tarfile.open(blobs / str(manifest["layers"][0]["digest"]).removeprefix("sha256:")) as tar:
        return {
            entry.name.removeprefix("./"): (int(entry.mtime), file.read() if (file := tar.extractfile(entry)) else b"")
            for entry in tar
            if entry.isreg()
        }


def test_a_root_holds_exactly_what_its_lock_pins(locked: Path) -> None:
    made, said = ensure(locked)
    lock = debs.read(locked / ROOT_LOCK, "").debs
    assert made.failures == {}
    assert made.packages["debian"].as_locked
    assert made.packages["base"].debs == debs.read(locked / FAMILY_LOCK, "").debs
    assert [line for line in said if line.startswith("debian: downloading")] == [
        f"debian: downloading {len(lock)} Debian packages ({sum(deb.size for deb in lock.values()) / 1e6:.0f} MB)"
    ]
    found = files(made.layouts["debian"])
    assert found["etc/debian_version"]
    assert not [name for name in found if name.startswith(("usr/share/man/", "usr/share/locale/"))]
    assert "usr/share/doc/libc6/copyright" in found
    assert max(time for time, _ in found.values()) <= EPOCH
    assert not [name for name, (_, data) in found.items() if b"dockwright-root-" in data]


@pytest.mark.usefixtures("nobody_answers")
def test_a_root_is_made_once(locked: Path) -> None:
    first, said = ensure(locked)
    assert said == []
    assert first.failures == {}


@pytest.mark.usefixtures("nobody_answers")
def test_what_was_downloaded_makes_the_same_bytes_when_no_archive_answers(locked: Path) -> None:
    first, _ = ensure(locked)
    shutil.rmtree(root.roots_dir())
    again, _ = ensure(locked)
    assert again.layouts == first.layouts


@pytest.mark.usefixtures("nobody_answers")
def test_an_archive_that_does_not_answer_is_told_where_it_is_needed(
    locked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path / "state"))
    made, _ = ensure(locked)
    (error,) = made.failures.values()
    assert isinstance(error, Unreachable)
    assert str(error) == "the archive of bookworm does not answer"
    assert made.layouts == {}


def test_a_pin_that_nobody_has_any_more_is_told_and_the_archive_decides(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKWRIGHT_SNAPSHOT", "http://127.0.0.1:9/@ARCHIVE@/@SNAPSHOTID@/")
    version = debs.read(repo / ROOT_LOCK, "").debs["libc6"].version
    relocked(repo / ROOT_LOCK, "libc6", version="2.36-9+deb12u0", sha256="sha256:" + "0" * 64)
    told = f"debian is not as locked: libc6 {version} instead of 2.36-9+deb12u0"

    failed, _ = ensure(repo, locked=True)
    (error,) = failed.failures.values()
    assert str(error).endswith("neither the archive nor a snapshot has libc6 2.36-9+deb12u0")
    assert error.exit_code == 1
    assert failed.layouts == {}

    made, said = ensure(repo)
    assert told in said
    assert made.failures == {}
    of = made.packages["debian"]
    assert (of.as_locked, str(of)) == (False, told)
    assert of.debs["libc6"].version == version
    assert made.packages["base"].as_locked is False, "what stands on it was looked for anew"
    assert made.packages["base"].differences == ()
    fleet = load_fleet(repo / "fleet")
    assert packages.gone(fleet, repo) == {"debian", "base"}

    with monkeypatch.context() as silent:
        silent.setattr(lists, "read", pytest.fail)
        again, said = ensure(repo)
    assert again.layouts == made.layouts, "it is noted, and nobody is asked twice"

    tasks = [task for task in deb_tasks.tasks(fleet, repo).values() if not task.builds]
    report = Run(fleet, repo, Asked(), lambda _: None, gone=packages.gone(fleet, repo)).locks([], tasks)
    assert sorted(report.renewed) == ["base", "debian"]
    for name in report.renewed:
        packages.forget(name)
    assert debs.read(repo / ROOT_LOCK, "").debs["libc6"].version == version
    relocked_, _ = ensure(repo)
    assert all(each.as_locked for each in relocked_.packages.values())
    assert relocked_.layouts == made.layouts, "the same packages are the same root, locked or not"


def test_a_snapshot_has_what_the_archive_has_no_more(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path / "state"))
    updates = [line for line in lists.sources("debian", "bookworm") if " bookworm-updates " in line]
    monkeypatch.setattr(lists, "sources", lambda *_: updates)
    with snapshots() as service:
        monkeypatch.setenv("DOCKWRIGHT_SNAPSHOT", service)
        made, _ = ensure(repo, locked=True)
    assert made.failures == {}
    assert all(each.as_locked for each in made.packages.values())


def test_a_pin_with_other_content_than_the_archives_is_never_built(repo: Path) -> None:
    sha256 = debs.read(repo / FAMILY_LOCK, "").debs["dumb-init"].sha256
    relocked(repo / FAMILY_LOCK, "dumb-init", sha256="sha256:" + "0" * 64)
    for locked in (False, True):
        made, _ = ensure(repo, locked=locked)
        (error,) = made.failures.values()
        assert str(error).startswith(f"{FAMILY_LOCK}:")
        assert str(error).endswith(f"is sha256:{'0' * 64} here and {sha256} in the archive")
        assert error.exit_code == 1


STAGES = {
    "while lists are read": "dockwright-debs-*/debian/now/lists",
    "while a root is made": "dockwright-root-*/mmdebstrap.*/usr/*",
}


@pytest.mark.parametrize("sign", STAGES.values(), ids=STAGES)
def test_ctrl_c_leaves_nothing_half_made(
    locked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sign: str
) -> None:
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path / "state"))
    with temporary() as folder:
        path = os.pathsep.join(str(ROOT / name) for name in ("src", "tests"))
        env = {**os.environ, "PYTHONPATH": path, "TMPDIR": str(folder)}
        process = subprocess.Popen((sys.executable, "-c", MADE, locked), env=env, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: list(folder.glob(sign)))
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert said.rstrip().endswith(("KeyboardInterrupt", "Stopped"))
        assert processes_of(folder) == set()
        assert list(folder.iterdir()) == []
        assert not root.roots_dir().exists() or list(root.roots_dir().iterdir()) == []
        assert str(folder) not in Path("/proc/self/mountinfo").read_text()


def test_what_a_killed_run_left_goes_with_the_next_one(locked: Path) -> None:
    shutil.rmtree(root.roots_dir(), ignore_errors=True)
    gone = root.roots_dir() / ".making-4194304-x"  # No process has a number beyond the kernel's limit.
    gone.mkdir(parents=True)
    mine = root.roots_dir() / f".making-{os.getpid()}-x"
    mine.mkdir()
    made, _ = ensure(locked)
    assert not gone.exists()
    assert mine.exists()
    mine.rmdir()
    assert made.failures == {}


@pytest.mark.parametrize("room", ["of packages", "of roots"])
def test_a_full_disk_is_one_clear_line(locked: Path, state: Path, room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state folder is a file system with too little room."""
    whole = sum(deb.size for deb in debs.read(locked / ROOT_LOCK, "").debs.values())
    size = whole // 2 if room == "of packages" else whole + 2**21
    with temporary() as folder:
        subprocess.run(("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder), check=True)
        try:
            monkeypatch.setenv("DOCKWRIGHT_STATE", str(folder / "state"))
            made, _ = ensure(locked)
            (error,) = made.failures.values()
            place = pool.folder() if room == "of packages" else root.roots_dir()
            assert "full" in str(error) or "No space left on device" in str(error)
            assert "\n" not in str(error)
            assert str(place) in str(error) + error.remedy
            assert error.exit_code == 1
            assert not root.roots_dir().exists() or list(root.roots_dir().iterdir()) == []
        finally:
            subprocess.run(("umount", folder), check=True)
    assert state_dir() != state


@contextmanager
def temporary() -> Iterator[Path]:
    """A folder that everybody may read, as apt does as a user of its own; it is empty in the end."""
    folder = Path(tempfile.mkdtemp(prefix="dockwright-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def wait_for(found: object, seconds: float = 120) -> None:
    assert callable(found)
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.05)
