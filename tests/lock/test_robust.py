"""Whatever happens, the old lock is there, no half of a new one is, and what is said fits on a line."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from lock.index import Index
from lock.repo import Repo

from dockwright.lock import pins

WEB = "fleet/families/web/requirements.lock"


def other(digit: str) -> str:
    return "0" if digit != "0" else "1"


def with_one_digit_changed(text: str) -> str:
    """The first hash of a lock with another last digit."""
    match = re.search(r"--hash=sha256:[0-9a-f]{63}([0-9a-f])", text)
    assert match
    return text[: match.start(1)] + other(match[1]) + text[match.end(1) :]


def test_a_hash_with_one_digit_changed_is_found_without_a_network(repo: Repo) -> None:
    path = repo.root / WEB
    path.write_text(with_one_digit_changed(path.read_text()))
    done = repo.lock("--check", "--offline")
    assert done.code == 1
    assert f"{WEB}:1: content: was changed by hand" in done.out


def test_a_hash_whose_lock_was_made_to_agree_is_found_by_asking_the_index(repo: Repo) -> None:
    path = repo.root / WEB
    head, body = pins.split(with_one_digit_changed(path.read_text()))
    path.write_text(re.sub(r"content: \S+", f"content: {pins.digest(body)}", head) + body)
    assert "was changed by hand" not in repo.lock("--check", "web").out
    done = repo.lock("--verify", "web")
    assert done.code == 1
    assert re.search(
        rf"{WEB}:6: one: the index has one-1\.1\S+ with sha256:\w+…, which is none of this pin's", done.out
    )


def test_a_lock_that_names_no_file_is_made_again_with_the_same_pins(repo: Repo) -> None:
    path = repo.root / WEB
    before = path.read_text()
    head, body = pins.split(re.sub(r"# file: .*", "# file:", before))
    path.write_text(re.sub(r"content: \S+", f"content: {pins.digest(body)}", head) + body)
    done = repo.lock("--check", "web")
    assert f"{WEB}:6: file: does not say which file with which of its hashes is taken for one" in done.out
    assert repo.lock("web").code == 0
    assert path.read_text() == before


# Runs the words after it where the folder $0 lies on a disk of its own that is full.
FULL = """
mkdir "$0.aside" && cp -a "$0/." "$0.aside" && mount -t tmpfs -o size=64k none "$0" || exit 99
cp -a "$0.aside/." "$0"
dd if=/dev/zero of="$0/fill" bs=1k 2>/dev/null
"$@"; code=$?; rm "$0/fill"; cp "$0"/requirements.lock "$0.after"; ls -A "$0" > "$0.names"; exit $code
"""


def test_a_full_disk_is_one_clear_line_and_leaves_the_old_lock(repo: Repo) -> None:
    repo.edit("fleet/families/web/requirements.in", "one<2\n", "one<2\nfour\n")
    web = repo.root / "fleet" / "families" / "web"
    before = (web / "requirements.lock").read_bytes()
    space = ("unshare", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",)))
    words = (*space, "sh", "-c", FULL, str(web), *repo.words("web"))
    done = subprocess.run(words, env=repo.environment(), cwd=repo.root, capture_output=True, text=True, timeout=120)
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip("this user can have no file system of its own")
    assert done.returncode == 1, done.stderr
    assert f"dockwright: {WEB}: cannot be written: No space left on device" in done.stderr.splitlines()
    assert (web.parent / "web.after").read_bytes() == before
    assert (web.parent / "web.names").read_text().split() == ["requirements.in", "requirements.lock"]


def test_ctrl_c_in_the_middle_leaves_the_old_locks_and_no_program(repo: Repo, pypi: Index, tmp_path: Path) -> None:
    repo.edit("fleet/families/web/requirements.in", "one<2\n", "one<2\nfour\n")
    before = repo.locks()
    pypi.open.clear()
    with subprocess.Popen(
        repo.words("web"),
        env=repo.environment(),
        cwd=repo.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert pypi.asked.wait(60), "uv never asked the index"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert repo.locks() == before
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(repo.root).encode() in _read(path)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # It ended meanwhile.


def test_resolving_runs_no_code_of_a_source(repo: Repo, packages: Path, tmp_path: Path) -> None:
    """A source distribution without metadata would have to be built to be resolved: it is refused instead."""
    import tarfile

    folder = tmp_path / "rogue-1.0"
    folder.mkdir()
    mark = tmp_path / "it ran"
    (folder / "setup.py").write_text(f"open({str(mark)!r}, 'w')\n")
    source = packages / "rogue-1.0.tar.gz"
    with tarfile.open(source, "w:gz") as archive:
        archive.add(folder, "rogue-1.0")
    try:
        repo.edit("fleet/families/web/requirements.in", "one<2\n", "one<2\nrogue\n")
        done = repo.lock("web")
    finally:
        source.unlink()
    assert done.code == 1
    assert "web cannot be locked: no set of versions fits" in done.err
    assert not mark.exists()


def test_a_source_that_is_allowed_is_locked_from_what_family_toml_says(repo: Repo, packages: Path) -> None:
    source = packages / "compiled-3.0.tar.gz"
    source.write_bytes(b"no archive at all: nobody opens it")
    try:
        repo.edit("fleet/families/llm-cu121/requirements.in", "vllm\n", "vllm\ncompiled\n")
        done = repo.lock("llm-cu121")
        assert done.code == 0, done.said
        made = pins.read(repo.root / "fleet/families/llm-cu121/requirements.lock").pins
        assert (made["compiled"].version, made["compiled"].is_source) == ("3.0", True)
        assert [via.requirement for via in made["one"].via] == ["one"]
        assert "compiled" in done.out.split("SIZE NOT KNOWN YET")[1]
    finally:
        source.unlink()


@pytest.mark.parametrize(("beside", "parts"), [(True, True), (False, True), (False, False)])
def test_an_index_with_less_gives_the_same_locks(repo: Repo, pypi: Index, beside: bool, parts: bool) -> None:
    before = repo.locks()
    for path in repo.root.glob("fleet/**/requirements.lock"):
        path.unlink()
    kept = repo.root.parent / "state" / "lock" / "metadata"
    for path in kept.glob("*"):
        path.unlink()
    pypi.beside, pypi.parts = beside, parts
    done = repo.lock()
    assert done.code == 0, done.said
    assert repo.locks() == before
