"""Processes of this machine, as /proc tells of them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path


def pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def read(path: str) -> str:
    """A file of /proc; empty where the process has ended meanwhile, or is another user's."""
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def gone(pid: int) -> bool:
    """Whether a process has ended; one of this process's own is reaped."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    return read(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] in ([], ["Z"])


def family(found: set[int]) -> set[int]:
    """Processes with all their descendants: a container's program is its shim's child."""
    parents = {pid: int(text.rpartition(")")[2].split()[1]) for pid in pids() if (text := read(f"/proc/{pid}/stat"))}
    grown = set(found)
    while True:
        more = {pid for pid, parent in parents.items() if parent in grown} - grown - {os.getpid()}
        if not more:
            return grown
        grown |= more


def end(found: Iterable[int], number: signal.Signals, patience: float) -> None:
    """Send a signal to processes and wait until all have ended, or `patience` seconds have passed."""
    waiting = set(found)
    for pid in waiting:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
    deadline = time.monotonic() + patience
    while waiting and time.monotonic() < deadline:
        waiting = {pid for pid in waiting if not gone(pid)}
        time.sleep(0.1)
