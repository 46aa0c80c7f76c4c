"""What the tool keeps on a machine is written whole or not at all, and read with words."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockwright.engine.state import dumps, in_turn, locked, read_json, state_dir, write_atomically
from dockwright.errors import DockwrightError, UnreadableInput


def test_the_state_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert state_dir({"DOCKWRIGHT_STATE": str(tmp_path), "XDG_STATE_HOME": "/x"}) == tmp_path
    assert state_dir({"XDG_STATE_HOME": "/x"}) == Path("/x/dockwright")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_dir({}) == tmp_path / ".local" / "state" / "dockwright"
    monkeypatch.chdir(tmp_path)
    assert state_dir({"DOCKWRIGHT_STATE": "here"}) == tmp_path / "here"


def test_a_file_is_replaced_with_its_folder_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    write_atomically(path, "one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_the_mode_is_as_asked_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_atomically(tmp_path / "open", "")
        write_atomically(tmp_path / "closed", "", mode=0o600)
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("open", "closed")]
    assert modes == [0o644, 0o600]


def test_a_disk_that_takes_no_more_leaves_the_old_file(tmp_path: Path) -> None:
    """A limit on the size of files answers in the middle of writing, as a full disk does; in a process of its own."""
    code = (
        "import resource, signal, sys, pathlib\n"
        "from dockwright.engine.state import write_atomically\n"
        "path = pathlib.Path(sys.argv[1]) / 'file'\n"
        "write_atomically(path, 'old')\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "try:\n    write_atomically(path, 'n' * 5000)\n"
        "except OSError as error:\n    print(error.errno)\n"
        "print(path.read_text(), [p.name for p in path.parent.iterdir()])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == f"{errno.EFBIG}\nold ['file']\n"


def test_readers_never_see_half_a_file(tmp_path: Path) -> None:
    """Written over and over while it is read: each reading is one of the texts as a whole."""
    path = tmp_path / "file"
    texts = {letter * 200_000 for letter in "ab"}
    write_atomically(path, "a" * 200_000)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for text in texts:
                write_atomically(path, text)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = {path.read_text() for _ in range(200)}
    finally:
        stop.set()
        writer.join()
    assert seen <= texts


def test_json_is_read_or_explained(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    assert read_json(path) is None
    path.write_text(dumps({"b": 1, "a": [2]}))
    assert read_json(path) == {"a": [2], "b": 1}
    for text in ("{", "[1]", '"text"', ""):
        path.write_text(text)
        with pytest.raises(UnreadableInput, match=r"file\.json: ") as caught:
            read_json(path)
        assert caught.value.remedy == "move the file away and run the command again"


def test_bytes_that_are_no_text_are_explained(tmp_path: Path) -> None:
    (tmp_path / "file.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(UnreadableInput):
        read_json(tmp_path / "file.json")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), VALUES))
def test_json_is_sorted_and_ends_with_a_newline(value: dict[str, object]) -> None:
    text = dumps(value)
    assert json.loads(text) == value
    assert text.endswith("\n") and not text.endswith("\n\n")
    assert text == dumps(dict(reversed(value.items())))


# Holds a lock until its standard input ends, or until it is killed.
HOLDER = """
import sys
from pathlib import Path
from dockwright.engine.state import locked
with locked(Path(sys.argv[1]), ""):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of `tmp_path / "lock"`."""
    words = (sys.executable, "-c", HOLDER, str(tmp_path / "lock"))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lock_that_another_process_holds_is_said_with_its_number(
    holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    with pytest.raises(DockwrightError, match="busy") as caught, locked(tmp_path / "lock", "busy"):
        pytest.fail("two hold one lock")
    assert caught.value.remedy == f"wait until process {holder.pid} has ended"


@pytest.mark.parametrize("how", ["ends", "is killed"])
def test_who_waits_for_a_lock_gets_it_however_its_holder_ends(
    holder: subprocess.Popen[str], tmp_path: Path, how: str
) -> None:
    said: list[str] = []

    def end(text: str) -> None:
        said.append(text)
        assert holder.stdin is not None
        holder.kill() if how == "is killed" else holder.stdin.close()

    with in_turn(tmp_path / "lock", "another one works", end):
        assert said == [f"another one works: waiting until process {holder.pid} has ended"]
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_free_lock_is_taken_without_a_word(tmp_path: Path) -> None:
    for _ in range(2):
        with in_turn(tmp_path / "folder" / "lock", "another one works", pytest.fail):
            pass
