"""A Docker engine of the tool's own, for hosts without a service manager: started, found again, stopped by id."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dockwright.engine import bridge, command
from dockwright.engine.docker import Docker, connect
from dockwright.engine.state import dumps, write_atomically
from dockwright.errors import EngineUnavailable


@dataclass(frozen=True)
class Daemon:
    """The files of one `dockerd`: all of them below `home`, except sockets when their paths would be too long.

    `builds_only`: no firewall rules and a bridge of its own, so that it can run beside another engine; it runs no
    containers, and builds on it use the host's network.
    """

    home: Path
    builds_only: bool = False

    @property
    def run(self) -> Path:
        """Where its sockets are: the kernel takes no path of theirs that is longer than 107 bytes."""
        longest = self.home / "exec" / "containerd" / "containerd-debug.sock.ttrpc"
        if len(os.fsencode(longest)) <= 107:
            return self.home
        return Path("/run/dockwright") / f"engine-{hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]}"

    @property
    def socket(self) -> Path:
        return self.run / "docker.sock"

    @property
    def exec_root(self) -> Path:
        return self.run / "exec"

    @property
    def host(self) -> str:
        return f"unix://{self.socket}"

    @property
    def pid_file(self) -> Path:
        return self.home / "docker.pid"

    @property
    def log(self) -> Path:
        return self.home / "dockerd.log"

    def config(self) -> dict[str, object]:
        """The daemon's configuration: its own paths, the containerd image store, bounded logs."""
        without = ("iptables", "ip6tables", "ip-forward", "ip-masq")
        # Not "none": a dockerd without a bridge removes docker0, which is another engine's.
        network = {"bridge": bridge.name_of(self.home), **dict.fromkeys(without, False)} if self.builds_only else {}
        return {
            **network,
            "data-root": str(self.home / "data"),
            "exec-root": str(self.exec_root),
            "pidfile": str(self.pid_file),
            "hosts": [self.host],
            "features": {"containerd-snapshotter": True},
            "log-driver": "json-file",
            "log-opts": {"max-size": "5m", "max-file": "2"},
            "shutdown-timeout": 20,
            # The kernel forwards ports by itself. A proxy process per port costs memory, and outlives a killed daemon.
            "userland-proxy": False,
        }

    def pid(self) -> int | None:
        """The process id of the daemon that runs on this configuration; None when none does."""
        try:
            number = int(self.pid_file.read_text())
            words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        # The id may have been given to another program since: only a dockerd with this very configuration counts.
        return number if str(self.home / "daemon.json").encode() in words else None


def program() -> str | None:
    """Where `dockerd` is; None where it is not installed."""
    return shutil.which("dockerd") or shutil.which("dockerd", path="/usr/sbin:/sbin")


def start(daemon: Daemon, client: Path, say: Callable[[str], None], patience: float = 60) -> Docker:
    """Start the daemon unless it runs already, and wait until it answers. Raises EngineUnavailable."""
    running = connect(client, daemon.host)
    if running:
        return running
    found = program()
    if not found:
        raise EngineUnavailable("dockerd is not installed", "apt-get install docker.io")
    _sweep(daemon)
    daemon.run.mkdir(parents=True, exist_ok=True)
    write_atomically(daemon.home / "daemon.json", dumps(daemon.config()))
    if daemon.builds_only:
        bridge.add(bridge.name_of(daemon.home))  # A start that fails leaves it for the next one.
    say(f"starting an engine of its own: dockerd on {daemon.socket}")
    return _await(daemon, client, _spawn(found, daemon), patience)


def _spawn(program: str, daemon: Daemon) -> int:
    """Start dockerd in a session of its own, its output in its log; returns its process id.

    It outlives this process on purpose, which is why it is no `subprocess.Popen`: that wants to be waited for.
    """
    words = (program, "--config-file", str(daemon.home / "daemon.json"))
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    output = (os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(daemon.log), *output),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(program, words, {**os.environ, "PATH": path}, file_actions=files, setsid=True)


def _sweep(daemon: Daemon) -> None:
    """Clear what a killed daemon left: stale pid files, and its containerd, which would hold the new one off."""
    for pid_file in (daemon.pid_file, daemon.exec_root / "containerd" / "containerd.pid"):
        try:
            number = int(pid_file.read_text())
            ours = os.fsencode(f"{daemon.run}/") in Path(f"/proc/{number}/cmdline").read_bytes()
        except (OSError, ValueError):
            ours = False
        if ours and pid_file != daemon.pid_file:
            os.kill(number, signal.SIGTERM)
            _gone(number, 10)
        if not ours:
            pid_file.unlink(missing_ok=True)


def _await(daemon: Daemon, client: Path, number: int, patience: float) -> Docker:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        docker = connect(client, daemon.host) if daemon.socket.exists() else None
        if docker:
            return docker
        if _gone(number, 0.2):
            break
    lines = daemon.log.read_text(errors="replace").splitlines()
    errors = [line for line in lines[-40:] if "level=fatal" in line or "failed to start" in line] or lines[-3:]
    raise EngineUnavailable(
        f"dockerd did not start: {errors[-1] if errors else 'it wrote nothing'}", f"see {daemon.log}"
    )


def stop(daemon: Daemon, patience: float = 40) -> bool:
    """Stop the daemon that `start` started; False when none ran."""
    number = daemon.pid()
    if number is None:
        return False
    os.kill(number, signal.SIGTERM)
    if not _gone(number, patience):
        raise EngineUnavailable(f"dockerd (process {number}) did not end within {patience:.0f} s", f"see {daemon.log}")
    if daemon.builds_only:
        bridge.remove(bridge.name_of(daemon.home))
    return True


def _gone(number: int, patience: float) -> bool:
    """Whether a process has ended, or ends within `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        try:
            os.waitpid(number, os.WNOHANG)  # Reap it when it is this process's own child.
        except ChildProcessError:
            pass
        if not Path(f"/proc/{number}").exists():
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.1)


def start_service(say: Callable[[str], None]) -> None:
    """Start the distribution's Docker service through systemd."""
    say("starting Docker through systemd")
    command.run(("systemctl", "start", "docker.service"), timeout=120)
