"""The second machine over SSH: everything as over TCP, through one connection, and each way in which it breaks."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.rollout import EVERY, SECOND, THIRD, Rollout, kill, wait
from engines.ssh_server import SHUT, UNABLE, SshServer, ssh_server
from engines.two import OTHER_IP, Pair

pytestmark = [pytest.mark.engines, pytest.mark.timeout(1200)]

TARGET = f"able@{OTHER_IP}"


@pytest.fixture(scope="module")
def server(pair: Pair) -> Iterator[SshServer]:
    with ssh_server(pair) as made:
        yield made


@pytest.fixture
def near(bare: Rollout, server: SshServer) -> Iterator[Rollout]:
    """The tool with a second machine that is reached over SSH; nothing of a connection may be left."""
    yield server.through(bare)
    wait(lambda: server.clients() == [], 20)


def test_doctor_examines(near: Rollout, server: SshServer) -> None:
    before = server.logins
    told = {row["what"]: row for row in near.json("doctor", "pc2")["pc2"]}
    assert (told["engine"]["verdict"], told["clock"]["verdict"]) == ("good", "good")
    assert server.logins == before + 1


def test_a_release_from_nothing_to_both_machines_and_back(near: Rollout, server: SshServer) -> None:
    first, before = near.release("over SSH"), server.logins
    code, said = near.until(["deploy", "--hold", "3"], "is sent from here", lambda _: None)
    assert code == 0, said
    assert re.search(r"pc2: \S+/async-processor:\S+ is sent from here", said), said
    assert server.logins == before + 1, "one connection serves all"
    assert near.running() == dict.fromkeys(EVERY, first)
    assert near.unwell() == {}
    told = near.json("status")
    assert (told["well"], told["healthy"], len(told["machines"])) == (True, len(EVERY), 2)
    assert "nothing to do" in near.ok("deploy")

    made = Path("/etc/cdi").exists()
    verdicts = {row["what"]: row["verdict"] for row in near.json("doctor", "pc2")["pc2"]}
    assert (verdicts["ports"], verdicts["disk"] != "unknown") == ("good", True), "it was looked at from within"
    assert Path("/etc/cdi").exists() == made, "a look leaves nothing"

    second = near.changed("two more over SSH")
    assert near.json("deploy", "--hold", "3")["touched"] == [SECOND, THIRD]
    assert (near.running()[SECOND], near.running()[THIRD]) == (second, second)
    assert f"release {first} is healthy" in near.ok("rollback", "--hold", "3")
    assert near.images()[SECOND] == near.picture(first, SECOND).digest
    assert near.held() == []


def test_connections_that_end_are_made_again(near: Rollout, server: SshServer) -> None:
    name, before = near.changed("cut off"), server.logins
    code, said = near.until(["deploy", "--hold", "3"], "wave 2 of 2", lambda _: server.cut_off())
    assert code == 0, said
    assert (near.running()[SECOND], near.running()[THIRD]) == (name, name)
    assert server.logins == before + 2


def test_a_killed_tool_leaves_no_connection(near: Rollout, server: SshServer) -> None:
    code, _ = near.until(["status", "--watch", "--json"], '"well"', kill)
    assert code != 0
    wait(lambda: server.clients() == [], 20)


@pytest.mark.parametrize(
    ("changed", "why", "remedy"),
    [
        ({"known": "none"}, "its host key is not known", f"ssh {TARGET} once, and accept its key"),
        (
            {"known": "known_otherwise"},
            "its host key is another one than before",
            f"when you know why: ssh-keygen -R {OTHER_IP}, then ssh {TARGET} once",
        ),
        ({"key": "others"}, "none of your keys lets able in", f"ssh-copy-id {TARGET}"),
        ({"user": UNABLE}, "unable may not use {socket} there", "sudo usermod -aG docker unable, or name another user"),
        ({"user": SHUT}, "nothing answers on {socket} there", "its sshd_config wants AllowStreamLocalForwarding yes"),
        ({"socket": "/nonexistent.sock"}, "there is no /nonexistent.sock there", "start Docker there"),
        ({"engine": f"ssh://{TARGET}:2222"}, "no SSH server listens there", "there: apt-get install openssh-server"),
        ({"engine": "ssh://nobody.invalid"}, "its name means nothing here", "correct it in machines.toml"),
    ],
)
def test_what_is_in_the_way_is_told(
    bare: Rollout, server: SshServer, changed: dict[str, str], why: str, remedy: str
) -> None:
    said = server.through(bare, **changed).fails("doctor", "pc2", "--json", code=3)
    assert f"does not answer: {why.format(socket=server.pair.daemon.socket)}" in said
    assert remedy in said


def test_every_verb_tells(bare: Rollout, server: SshServer) -> None:
    tool = server.through(bare, known="none")
    said = tool.fails("status", code=3)
    line = next(line for line in said.splitlines() if line.startswith("pc2: the engine at"))
    assert line == (
        f"pc2: the engine at ssh://{TARGET} does not answer: its host key is not known; "
        f"ssh {TARGET} once, and accept its key"
    )
    for verb in ("deploy", "rollback"):
        said = tool.fails(verb, code=3)
        assert f"dockwright: pc2: the engine at ssh://{TARGET} does not answer: its host key is not known\n" in said
        assert f"  -> ssh {TARGET} once, and accept its key; or leave it alone: --on mainpc\n" in said


@pytest.mark.parametrize(
    ("changed", "why"), [({"key": "others"}, "none of your keys"), ({"known": "none"}, "its host key is not known")]
)
def test_nothing_is_asked_at_a_terminal(bare: Rollout, server: SshServer, changed: dict[str, str], why: str) -> None:
    """ssh would ask for a password there, and about a host key."""
    argv, env = server.through(bare, **changed).fleet.command("doctor", "pc2", "--json")
    ours, theirs = os.openpty()
    try:
        words = ("setsid", "--ctty", "--wait", *argv)
        done = subprocess.run(words, env=env, stdin=theirs, capture_output=True, text=True, timeout=60, check=False)
        os.set_blocking(ours, False)
        with pytest.raises(BlockingIOError):
            os.read(ours, 1)
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 3, done.stdout + done.stderr
    assert why in done.stdout


def test_a_host_without_ssh(bare: Rollout, server: SshServer) -> None:
    said = server.through(bare).told("PATH", "/nonexistent").fails("doctor", "pc2", "--json", code=3)
    assert "there is no ssh client here" in said
    assert "apt-get install openssh-client" in said


def test_a_server_that_is_down_or_cut_off(bare: Rollout, server: SshServer) -> None:
    tool = server.through(bare)
    server.stop()
    try:
        assert "no SSH server listens there" in tool.fails("status", code=3)
    finally:
        server.start()
    server.pair.cut()
    try:
        assert "that host cannot be reached; is it on" in tool.fails("status", code=3)
    finally:
        server.pair.join()
    tool.ok("status")


@pytest.mark.scenarios
def test_a_link_that_is_cut_is_waited_for_and_used_again(near: Rollout, server: SshServer) -> None:
    name = near.changed("cut for a while over SSH")

    def cut(_: subprocess.Popen[str]) -> None:
        server.pair.cut()
        time.sleep(20)
        server.pair.join()

    code, said = near.until(["deploy"], "wave 1 of 2", cut)
    assert code == 0, said
    assert "pc2 does not answer" in said
    assert (near.running()[SECOND], near.running()[THIRD]) == (name, name)
