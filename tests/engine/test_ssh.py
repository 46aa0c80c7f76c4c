"""A connection over SSH is made once, again where it was lost, and ends; each refusal is one line and a remedy."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine.programs import program

from dockwright.engine.ssh import PREFIX, Link, trouble, words
from dockwright.errors import EngineUnavailable

# Notes its process, binds what it is told to, says what the other side says, and waits for the end of its input.
SSH = """echo $$ >> {folder}/started
for word; do [ "$before" = -L ] && here=${{word%%:*}}; before=$word; done
: > "$here"
echo "a greeting"; echo "dockwright-engine: {answer}"
exec cat"""
TARGET, SOCKET = "ssh://ana@pc2", "/var/run/docker.sock"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where connections have their folders."""
    made = tmp_path / "tmp"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return made


@pytest.fixture
def link(tmp_path: Path) -> Iterator[Link]:
    program(tmp_path / "bin", "ssh", SSH.format(folder=tmp_path, answer="open"))
    made = Link(TARGET, SOCKET, 20)
    yield made
    made.close()


def started(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "started").read_text().split()]


def test_one_connection_serves_all_and_ends_with_its_folder(tmp_path: Path, folders: Path, link: Link) -> None:
    assert link.lost
    host = link.host()
    assert host == link.host()
    assert len(started(tmp_path)) == 1
    (folder,) = folders.iterdir()
    assert Path(host.removeprefix("unix://")).parent == folder
    assert folder.stat().st_mode & 0o777 == 0o700
    link.close()
    assert link.lost
    assert list(folders.iterdir()) == []
    assert not Path(f"/proc/{started(tmp_path)[0]}").exists()


def test_a_lost_connection_is_made_again(tmp_path: Path, folders: Path, link: Link) -> None:
    before = link.host()
    number = started(tmp_path)[0]
    os.kill(number, signal.SIGKILL)
    os.waitid(os.P_PID, number, os.WEXITED | os.WNOWAIT)
    assert link.lost
    assert link.host() != before
    assert (len(started(tmp_path)), len(list(folders.iterdir()))) == (2, 1)


def test_folders_of_killed_processes_go(folders: Path, link: Link) -> None:
    gone, alive = folders / f"{PREFIX}{2**22 + 1}-x", folders / f"{PREFIX}{os.getpid()}-x"
    for folder in (gone, alive, folders / f"{PREFIX}nobody"):
        folder.mkdir()
    link.host()
    assert not gone.exists()
    assert len(list(folders.iterdir())) == 3


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (SSH.replace("{answer}", "absent"), f"there is no {SOCKET} there"),
        ("echo 'ssh: connect to host pc2 port 22: Connection refused' >&2; exit 255", "no SSH server listens there"),
        ("echo 'This account is not available.'; exit 1", "ssh had no answer in time"),
        ("exec sleep 60", "ssh had no answer in time"),
        (
            "echo 'unix_listener: path \"x\" too long' >&2; echo 'dockwright-engine: open'; exec cat",
            "nothing answers on",
        ),
    ],
)
def test_what_does_not_come_about_leaves_nothing(tmp_path: Path, folders: Path, script: str, why: str) -> None:
    program(tmp_path / "bin", "ssh", script.replace("{folder}", str(tmp_path)).replace("{{", "{").replace("}}", "}"))
    link = Link(TARGET, SOCKET, 1)
    with pytest.raises(EngineUnavailable, match=f"the engine at {TARGET} does not answer: {why}"):
        link.host()
    assert link.lost
    assert list(folders.iterdir()) == []


def test_a_host_without_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(EngineUnavailable, match="there is no ssh client here") as caught:
        Link(TARGET, SOCKET, 1).host()
    assert "openssh-client" in caught.value.remedy


def test_a_target_is_no_option() -> None:
    said = words("ssh://ana@pc2:2222", Path("/x/docker.sock"), "/run/user/1000/it's.sock", 5)
    assert said[said.index("--") + 1] == "ssh://ana@pc2:2222"
    assert "BatchMode=yes" in said
    assert said[-1].endswith(""" '/run/user/1000/it'"'"'s.sock'""")


CHANGED = """@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
Host key verification failed."""


@pytest.mark.parametrize(
    ("says", "target", "why", "remedy"),
    [
        (CHANGED, TARGET, "another one than before", "ssh-keygen -R pc2, then ssh ana@pc2 once"),
        (CHANGED, "ssh://pc2:2222", "another one than before", "ssh-keygen -R '[pc2]:2222', then ssh -p 2222 pc2 once"),
        ("Host key verification failed.", "ssh://ana@pc2:2222", "is not known", "ssh -p 2222 ana@pc2 once, and accept"),
        ("ana@pc2: Permission denied (publickey).", TARGET, "none of your keys lets ana in", "ssh-copy-id ana@pc2"),
        ("pc2: Permission denied (publickey).", "ssh://pc2", "lets that user in", "ssh-copy-id pc2; a key with"),
        ("Received disconnect: Too many authentication failures", TARGET, "none of your keys", "ssh-add"),
        ("ssh: connect to host pc2 port 22: Connection timed out", TARGET, "that host cannot be reached", "is it on"),
        ("ssh: connect to host pc2 port 22: No route to host", TARGET, "that host cannot be reached", "is it on"),
        ("\nwarning\nsome new complaint\n\n", TARGET, "some new complaint", "try: ssh ana@pc2 true"),
    ],
)
def test_what_ssh_says_is_told_with_a_remedy(says: str, target: str, why: str, remedy: str) -> None:
    told = trouble("", says, target, SOCKET)
    assert why in told[0]
    assert remedy in told[1]


def test_a_user_without_the_right_is_told_how_to_get_it() -> None:
    why, remedy = trouble("denied", "", TARGET, SOCKET)
    assert why == f"ana may not use {SOCKET} there"
    assert "usermod -aG docker ana" in remedy
