"""The second machine as most users reach theirs: a real SSH server in its network, with keys of the tests' own.

Nothing of this machine's users and of the real ~/.ssh takes part: the server sees users of its own, mounted over
/etc/passwd for it alone, and the `ssh` that the tool finds reads a configuration of the tests' own.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from plugins.processes import end, family, pids, read

from dockwright.engine import install
from engines import network
from engines.rollout import Rollout, wait
from engines.two import MAIN_IP, OTHER_IP, Pair, inside

# May use the engine's socket, may not, and is let through to no socket at all.
ABLE, UNABLE, SHUT = "able", "unable", "shut"
SERVER = "/usr/sbin/sshd"


@dataclass
class SshServer:
    """`folder`: its keys, its configuration, its log, and the same of whoever connects."""

    pair: Pair
    folder: Path
    client: str
    running: list[int] = field(default_factory=list)

    def start(self) -> None:
        """sshd in the foreground, in the second machine's network and with users of its own."""
        config, log = self.folder / "sshd_config", self.folder / "log"
        over = f"mount --bind {self.folder / 'passwd'} /etc/passwd && exec {SERVER} -D -f {config} -E {log}"
        with inside(self.pair.name):
            process = subprocess.Popen(("unshare", "--mount", "sh", "-c", over), start_new_session=True)
        process.returncode = 0  # It is ended, and reaped, by its id.
        self.running.append(process.pid)
        wait(self.answers, 20)

    def stop(self) -> None:
        """End it, and every connection that it has."""
        number = self.running.pop()
        end(family({number}), signal.SIGKILL, 10)

    def answers(self) -> bool:
        try:
            socket.create_connection((OTHER_IP, 22), 1).close()
        except OSError:
            return False
        return True

    def cut_off(self) -> None:
        """End every connection that it has; new ones are let in."""
        end(family(set(self.running)) - set(self.running), signal.SIGKILL, 10)

    @property
    def logins(self) -> int:
        """How many connections were let in so far."""
        return (self.folder / "log").read_text().count("Accepted publickey")

    def clients(self) -> list[int]:
        """The ssh processes that are connected to it, or try to be."""
        return [pid for pid in pids() if str(self.folder / "config") in read(f"/proc/{pid}/cmdline")]

    def through(
        self, rollout: Rollout, user: str = ABLE, key: str = "key", known: str = "known_hosts", **address: str
    ) -> Rollout:
        """The tool reaching the second machine over SSH. `key`, `known`: which files of the folder its user has;
        `address`: what else is said of the machine.
        """
        found = {"engine": f"ssh://{user}@{OTHER_IP}", "host": OTHER_IP, "socket": str(self.pair.daemon.socket)}
        pc2 = "".join(f'{key} = "{value}"\n' for key, value in {**found, **address}.items())
        machines = self.folder / "machines.toml"
        machines.write_text(f'[mainpc]\nengine = "local"\nhost = "{MAIN_IP}"\n\n[pc2]\n{pc2}')
        files = f"UserKnownHostsFile {self.folder / known}\nIdentityFile {self.folder / key}\n"
        (self.folder / "config").write_text(f"{files}IdentityAgent none\nIdentitiesOnly yes\n")
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return rollout.told("DOCKWRIGHT_MACHINES", str(machines)).told("PATH", path)


@contextmanager
def ssh_server(pair: Pair) -> Iterator[SshServer]:
    """An SSH server on the second machine, as long as the block runs."""
    folder = pair.daemon.home.parent / "ssh"
    folder.mkdir()
    made = SshServer(pair, folder, _installed(pair))
    for name in ("host", "key", "others"):
        words = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
        subprocess.run(words, check=True)
    keys = {name: " ".join((folder / f"{name}.pub").read_text().split()[:2]) for name in ("host", "key", "others")}
    (folder / "known_hosts").write_text(f"{OTHER_IP} {keys['host']}\n")
    (folder / "known_otherwise").write_text(f"{OTHER_IP} {keys['others']}\n")
    (folder / "authorized").write_text(f"{keys['key']}\n")
    _users(folder, pair.daemon.socket.stat().st_gid)
    (folder / "sshd_config").write_text(_config(folder))
    (folder / "bin").mkdir()
    program = folder / "bin" / "ssh"
    program.write_text(f'#!/bin/sh\nexec {made.client} -F {folder / "config"} "$@"\n')
    program.chmod(0o755)
    # Whoever asks for a name there hears at once that there is nobody to ask.
    refuse = ("iptables", "-A", "OUTPUT", "-p", "udp", "--dport", "53", "-j", "REJECT")
    network._run("ip", "netns", "exec", pair.name, *refuse)
    # The engine's socket is below: who may use it must get there.
    folder.parent.chmod(0o711)
    try:
        made.start()
        yield made
    finally:
        if made.running:
            made.stop()


def _installed(pair: Pair) -> str:
    """Where the client is, once both it and the server are here."""
    machine = pair.machine
    if not Path(SERVER).exists() or shutil.which("ssh") is None:
        plan = install.Plan(("openssh-server", "openssh-client"))
        install.ensure("ssh", plan, install.read_host(), allowed=machine.may_install, say=machine.say)
    Path("/run/sshd").mkdir(exist_ok=True)  # It starts nowhere without; a service manager would make it.
    found = shutil.which("ssh")
    assert found
    return found


def _users(folder: Path, group: int) -> None:
    """This machine's users and three more, none of whom has a password."""
    rows = [f"{ABLE}:*:20001:{group}::/:/bin/sh", f"{UNABLE}:*:20002:20002::/:/bin/sh"]
    rows.append(f"{SHUT}:*:20003:{group}::/:/bin/sh")
    (folder / "passwd").write_text(Path("/etc/passwd").read_text() + "\n".join(rows) + "\n")


def _config(folder: Path) -> str:
    """A server's usual configuration: passwords are asked for, where the client lets it."""
    return f"""\
ListenAddress {OTHER_IP}
HostKey {folder / "host"}
AuthorizedKeysFile {folder / "authorized"}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication yes
LogLevel VERBOSE
Match User {SHUT}
    AllowStreamLocalForwarding no
"""
