"""Runs uv: in a home that is thrown away, without building anything, and so that it can be stopped."""

from __future__ import annotations

import math
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dockwright.engine import command
from dockwright.engine.process import Process
from dockwright.errors import CommandFailed, DockwrightError, Unreachable
from dockwright.lock import index
from dockwright.lock.tasks import Task

NETWORK = re.compile(r"(?i)failed to fetch|error sending request|connect error|dns error|timed out|connection refused")
OFFLINE = re.compile(r"(?i)network connectivity is disabled|not found in the cache|--offline|registry .* offline")
NO_SOLUTION = re.compile(r"No solution found|unsatisfiable")
VANISHED = re.compile(r"[Bb]ecause (?P<name>\S+) was not found in the (?:package registry|cache|provided)")


class Stopped(KeyboardInterrupt):
    """The work was interrupted while a program ran."""


class Silent(Unreachable):
    """A program that wrote nothing for so long that it hangs; it was ended."""


class Stop:
    """Ends every program that runs under it, once, for good."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[Process] = set()
        self.asked = False

    def end(self) -> None:
        with self._lock:
            self.asked = True
            running = list(self._running)
        for process in running:
            process.end(2)

    def run(
        self,
        words: Sequence[str],
        *,
        env: dict[str, str],
        cwd: Path,
        on_line: Callable[[str], None] | None = None,
        silence: float = math.inf,
    ) -> tuple[int, str]:
        """Exit status and output of a program.

        Raises Stopped when `end` was called, Silent where it writes nothing for more than `silence` seconds.
        """
        lines: list[str] = []
        heard = time.monotonic()
        ended = threading.Event()
        status: list[int] = []

        def take(line: str) -> None:
            nonlocal heard
            heard = time.monotonic()
            lines.append(line)
            if on_line:
                on_line(line)

        def on_end(code: int) -> None:
            status.append(code)
            ended.set()

        with self._lock:
            if self.asked:
                raise Stopped
            process = Process(words, env=env, cwd=cwd, on_line=take, on_end=on_end)
            self._running.add(process)
        try:
            while not ended.wait(0.2):
                if self.asked:
                    raise Stopped
                if time.monotonic() - heard > silence:
                    raise Silent(f"`{command.shown(words)}` said nothing for {silence:.0f} s", "run it again")
        except BaseException:
            process.end(2)  # Ctrl-C comes here when it is the main thread that waits.
            raise
        finally:
            with self._lock:
                self._running.discard(process)
        return status[0], "\n".join(lines)


@dataclass(frozen=True)
class Workplace:
    """A folder that is thrown away: uv's home, its settings, and the files that it reads and writes."""

    folder: Path
    root: Path
    stop: Stop
    offline: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """The host's own cache and settings with a home that holds nothing."""
        home = Path.home()
        return {
            "HOME": str(self.folder),
            "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR") or str(home / ".cache" / "uv"),
            "XDG_CONFIG_HOME": os.environ.get("XDG_CONFIG_HOME") or str(home / ".config"),
            "UV_PYTHON_DOWNLOADS": "never",
            **index.environment(),
        }

    def prepare(self, task: Task) -> None:
        """Write what a task's uv reads: floors, packages left out, and what sources need."""
        rules = task.rules
        (self.folder / "floors.txt").write_text("".join(f"{n}>={v}\n" for n, v in sorted(rules.floors.items())))
        (self.folder / "instead.txt").write_text("".join(f"{n}>={v}\n" for n, v in sorted(rules.instead.items())))
        (self.folder / "without.txt").write_text("".join(f"{name}\n" for name in sorted(rules.without)))
        said = [
            f'[[dependency-metadata]]\nname = "{name}"\nrequires-dist = [{_quoted(source.requires)}]\n'
            for name, source in sorted(rules.sources.items())
        ]
        (self.folder / "uv.toml").write_text("\n".join(said))

    def uv(self, words: Sequence[str], what: str) -> None:
        """Run uv. Raises Unreachable when the index does not answer, else CommandFailed with uv's explanation."""
        every = [uv(), *words, *(["--offline"] if self.offline else [])]
        code, output = self.stop.run(every, env=self.environment, cwd=self.folder)
        if code:
            raise failure(what, self._plain(output), code, offline=self.offline)

    def _plain(self, output: str) -> str:
        """uv's words with paths as the user knows them."""
        return output.replace(f"{self.root}/", "").replace(f"{self.folder}/", "")


def failure(what: str, output: str, code: int, *, offline: bool) -> DockwrightError:
    """The clear line for uv's failure; its own explanation travels along."""
    if offline and (OFFLINE.search(output) or NETWORK.search(output) or VANISHED.search(output)):
        return _with(
            Unreachable(
                f"{what} cannot be locked: not everything it needs is on this machine", "run it without --offline"
            ),
            output,
        )
    if command.NO_ROOM.search(output):
        return CommandFailed(f"{what} cannot be locked: the disk is full", "make room and run it again", output)
    match = VANISHED.search(output)
    if match:
        says = f"{what} cannot be locked: the package index has no {match['name']} (any more)"
        return CommandFailed(says, "take it out of requirements.in, or name the index that has it", output)
    if NETWORK.search(output):
        return _with(
            Unreachable(f"{what} cannot be locked: the package index does not answer", "try again, or use --offline"),
            output,
        )
    if NO_SOLUTION.search(output):
        return CommandFailed(f"{what} cannot be locked: no set of versions fits", "change its requirements.in", output)
    return CommandFailed(f"{what} cannot be locked: uv ended with exit status {code}", "", output)


def _with(error: Unreachable, output: str) -> Unreachable:
    error.output = output  # type: ignore[attr-defined] # shown below the clear line, as CommandFailed's
    return error


def _quoted(texts: Sequence[str]) -> str:
    return ", ".join("'" + text.replace("'", '"') + "'" for text in texts)


def uv() -> str:
    """The uv of the tool's own environment. Raises DockwrightError where there is none."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        raise DockwrightError("uv is not in the tool's environment", "remove .venv and run ./dockwright again")
    return found
