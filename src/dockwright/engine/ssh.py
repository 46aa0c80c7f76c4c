"""Another machine over SSH: one connection, through which its engine's socket is one of this host's.

At `ssh://` the docker client opens a connection for each command. Here one `ssh` serves all that this process runs. It
never asks anything, and it ends with this process, killed or not: a program over there reads from this one until nobody
holds the other end.
"""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
import subprocess
import tempfile
import threading
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from dockwright.engine import command
from dockwright.errors import EngineUnavailable

# Seconds that a connection has to come about. One on which nothing was heard for EVERY * COUNT seconds is lost.
OPENING, EVERY, COUNT = 10.0, 3, 4
PREFIX = "dockwright-ssh-"
MARK = "dockwright-engine: "
# Runs over there: whether the socket is there for this user, then nothing until the other end is gone.
ASK = f"""
if [ ! -S "$0" ]; then echo "{MARK}absent"
elif [ ! -w "$0" ]; then echo "{MARK}denied"
else echo "{MARK}open"; exec cat >/dev/null
fi"""
OPTIONS = {
    # Without a terminal and in batch mode nothing is asked: no password, no new host key.
    "BatchMode": "yes",
    "ServerAliveInterval": str(EVERY),
    "ServerAliveCountMax": str(COUNT),
    "StreamLocalBindMask": "0177",
    "LogLevel": "INFO",
    # What a user's own configuration may want of every connection is not wanted here.
    "ControlMaster": "no",
    "ControlPath": "none",
    "ExitOnForwardFailure": "no",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "RequestTTY": "no",
}


class Link:
    """The connection to one machine. `target`: ssh://user@host; `socket`: its engine's, over there."""

    def __init__(self, target: str, socket: str, patience: float) -> None:
        self._target, self._socket, self._patience = target, socket, min(patience, OPENING)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._folder = Path()
        atexit.register(self.close)

    def host(self) -> str:
        """Where the engine is reached from here, over a new connection where the last one was lost.

        Raises EngineUnavailable with what to do.
        """
        with self._lock:
            if self.lost:
                self.close()
                self._open()
            return f"unix://{self._here}"

    @property
    def lost(self) -> bool:
        """Whether there is no connection now."""
        return self._process is None or self._process.poll() is not None

    def trouble(self, answer: str = "open") -> EngineUnavailable:
        """Why no engine answers over it. `answer`: what was said of the socket over there."""
        file = self._folder / "said"
        says = file.read_text(errors="replace") if file.is_file() else ""
        why, remedy = trouble(answer, says, self._target, self._socket)
        return EngineUnavailable(f"the engine at {self._target} does not answer: {why}", remedy)

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._process is not None:
            if self._process.poll() is None:
                command.end(self._process)
            for end in (self._process.stdin, self._process.stdout):
                assert end is not None  # noqa: S101 - opened with PIPE below
                end.close()
            shutil.rmtree(self._folder, ignore_errors=True)
            self._process = None

    @property
    def _here(self) -> Path:
        return self._folder / "docker.sock"

    def _open(self) -> None:
        if shutil.which("ssh") is None:
            raise EngineUnavailable(
                f"the engine at {self._target} does not answer: there is no ssh client here",
                "install it: apt-get install openssh-client",
            )
        _sweep()
        self._folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        pipe = subprocess.PIPE
        with (self._folder / "said").open("w") as said:
            self._process = subprocess.Popen(
                words(self._target, self._here, self._socket, self._patience),
                env=command.merged({"SSH_ASKPASS_REQUIRE": "never"}),
                stdin=pipe,
                stdout=pipe,
                stderr=said,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        try:
            answer = self._answer(self._process)
            if answer != "open" or not self._here.exists():
                raise self.trouble(answer)
        except BaseException:
            self.close()
            raise

    def _answer(self, process: subprocess.Popen[str]) -> str:
        """What is said of the socket over there; empty where nothing is in time."""
        late = threading.Timer(self._patience, process.kill)
        late.start()
        try:
            assert process.stdout is not None  # noqa: S101 - opened with PIPE above
            told = next((line for line in process.stdout if line.startswith(MARK)), "")
            return told.removeprefix(MARK).strip()
        finally:
            late.cancel()


@cache
def link(target: str, socket: str, patience: float) -> Link:
    """The one connection of this process to a machine."""
    return Link(target, socket, patience)


def words(target: str, here: Path, there: str, patience: float) -> tuple[str, ...]:
    """The command that connects."""
    # It knows best why it did not get there, so it gives up before it is ended.
    options = {**OPTIONS, "ConnectTimeout": str(max(1, int(patience) - 1))}
    said = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    return ("ssh", *said, "-L", f"{here}:{there}", "--", target, f"exec sh -c {shlex.quote(ASK)} {shlex.quote(there)}")


def trouble(answer: str, says: str, target: str, socket: str) -> tuple[str, str]:
    """Why a machine cannot be reached, and what to do: from the answer over there, else from what ssh said. Pure."""
    named = urlsplit(target)
    host = f"'[{named.hostname}]:{named.port}'" if named.port else named.hostname
    port, to = f"-p {named.port} " if named.port else "", named.netloc.removesuffix(f":{named.port}")
    user = named.username or "that user"
    if answer == "absent":
        return f"there is no {socket} there", "start Docker there, or say its `socket` in machines.toml"
    if answer == "denied":
        return (
            f"{user} may not use {socket} there",
            f"there: sudo usermod -aG docker {named.username or 'USER'}, or name another user in machines.toml",
        )
    if answer == "open":
        # A server that forbids the way says the same as a socket that nobody listens on.
        allow = "if so, its sshd_config wants AllowStreamLocalForwarding yes"
        return f"nothing answers on {socket} there", f"does ssh {port}{to} docker version work? {allow}"
    known = (
        (
            ("REMOTE HOST IDENTIFICATION HAS CHANGED",),
            "its host key is another one than before: it was installed anew, or somebody is in between",
            f"when you know why: ssh-keygen -R {host}, then ssh {port}{to} once, and accept its key",
        ),
        (("Host key verification failed",), "its host key is not known", f"ssh {port}{to} once, and accept its key"),
        (
            ("Permission denied", "Too many authentication failures"),
            f"none of your keys lets {user} in",
            f"ssh-copy-id {port}{to}; a key with a passphrase must be in your agent (ssh-add)",
        ),
        (("Could not resolve hostname",), "its name means nothing here", "correct it in machines.toml"),
        (("Connection refused",), "no SSH server listens there", "there: apt-get install openssh-server"),
        (
            ("timed out", "No route to host", "Network is unreachable"),
            "that host cannot be reached",
            "is it on, and in the same network?",
        ),
    )
    for marks, why, remedy in known:
        if any(mark in says for mark in marks):
            return why, remedy
    lines = [line.strip() for line in says.splitlines() if line.strip()]
    return lines[-1] if lines else "ssh had no answer in time", f"try: ssh {port}{to} true"


def _sweep() -> None:
    """Remove the folders of processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        number = folder.name.removeprefix(PREFIX).partition("-")[0]
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except (ValueError, OSError):
            continue
