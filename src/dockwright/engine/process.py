"""A program that runs beside the tool: started, read line by line, ended with everything that it started."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dockwright.engine import command


class Process:
    """A running program; `on_line` is called from a thread for each line that it writes, `on_end` with its status."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        on_line: Callable[[str], None],
        on_end: Callable[[int], None],
    ) -> None:
        self._wanted_to_end = False
        self._on_end = on_end
        self._process = subprocess.Popen(
            argv,
            env=command.merged(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(on_line,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _read(self, on_line: Callable[[str], None]) -> None:
        assert self._process.stdout is not None  # noqa: S101 - opened with PIPE above
        with self._process.stdout as wrote:
            for line in wrote:
                on_line(line.rstrip("\n"))
        status = self._process.wait()
        if not self._wanted_to_end:
            self._on_end(status)

    def end(self, patience: float = 11) -> None:
        """End it gently, then by force after `patience` seconds; `on_end` is not called."""
        self._wanted_to_end = True
        command.end(self._process, patience)
        self._reader.join(2)
