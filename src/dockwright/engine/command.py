"""Runs programs. Nothing else in the tool starts a process."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dockwright.errors import CommandFailed, Unreachable

# What programs say where the disk is full.
NO_ROOM = re.compile(r"no space left on device|file too large|disk quota exceeded", re.IGNORECASE)

_running: set[subprocess.Popen[Any]] = set()


@dataclass(frozen=True)
class Completed:
    """What a program left: its exit status and what it wrote."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        return self.returncode == 0


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout: float = 600,
    cwd: Path | None = None,
    check: bool = True,
) -> Completed:
    """Run a program to its end and keep its output.

    Raises CommandFailed when it ends with an error (unless `check` is false) or is not installed, Unreachable
    when it takes longer than `timeout` seconds.
    """
    words = tuple(str(word) for word in argv)
    try:
        done = subprocess.run(
            words,
            env=merged(env),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            cwd=cwd,
        )
    except FileNotFoundError as error:
        raise CommandFailed(f"{words[0]} is not installed or not on PATH") from error
    except subprocess.TimeoutExpired as error:
        raise Unreachable(f"no answer from `{shown(words)}` within {timeout:.0f} s") from error
    completed = Completed(words, done.returncode, done.stdout, done.stderr)
    if check and not completed.ok:
        raise failure(completed)
    return completed


def stream(
    argv: Sequence[str | Path],
    on_line: Callable[[str], None],
    *,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout: float | None = None,
    cwd: Path | None = None,
    check: bool = True,
) -> int:
    """Run a program, handing each line that it writes to `on_line`; returns its exit status.

    The last lines travel with CommandFailed. Ctrl-C ends the program's whole group before it is passed on. Raises
    Unreachable when it takes longer than `timeout` seconds.
    """
    words = tuple(str(word) for word in argv)
    try:
        process = subprocess.Popen(
            words,
            env=merged(env),
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=cwd,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise CommandFailed(f"{words[0]} is not installed or not on PATH") from error
    last: deque[str] = deque(maxlen=80)
    with process, _known(process), _ended_after(process, timeout) as late:
        try:
            _feed(process, stdin)
            assert process.stdout is not None  # noqa: S101 - opened with PIPE above
            for line in process.stdout:
                last.append(line.rstrip("\n"))
                on_line(line.rstrip("\n"))
            process.wait()
        except BaseException:
            end(process)
            raise
    if late.is_set():
        raise Unreachable(f"`{shown(words)}` did not end within {timeout:.0f} s")
    if check and process.returncode:
        raise failure(Completed(words, process.returncode, "\n".join(last), ""))
    return process.returncode


@contextmanager
def _known(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Known to `end_running` as long as the block runs."""
    _running.add(process)
    try:
        yield
    finally:
        _running.discard(process)


def end_running() -> None:
    """End what other threads stream: Ctrl-C reaches one thread only, and those programs have sessions of their own."""
    for process in tuple(_running):
        end(process)


@contextmanager
def _ended_after(process: subprocess.Popen[str], seconds: float | None) -> Iterator[threading.Event]:
    """End a process that takes longer; tells whether it was so."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        end(process)

    timer = threading.Timer(seconds, stop) if seconds is not None else None
    if timer:
        timer.start()
    try:
        yield late
    finally:
        if timer:
            timer.cancel()


@contextmanager
def output(argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> Iterator[IO[bytes]]:
    """What a program writes, as bytes and as it comes: for archives that fit in no memory.

    Raises CommandFailed when it ends with an error or is not installed; a reader that fails ends the program.
    """
    words = tuple(str(word) for word in argv)
    with tempfile.TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(
                words,
                env=merged(env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise CommandFailed(f"{words[0]} is not installed or not on PATH") from error
        with process, _known(process):
            try:
                assert process.stdout is not None  # noqa: S101 - opened with PIPE above
                yield process.stdout
                while process.stdout.read(2**20):
                    pass  # What follows an archive's end is padding.
                process.wait()
            except BaseException:
                end(process)
                raise
        if process.returncode:
            complaints.seek(0)
            raise failure(Completed(words, process.returncode, "", complaints.read().decode(errors="replace")))


def pipe(
    source: Sequence[str | Path],
    target: Sequence[str | Path],
    *,
    source_env: Mapping[str, str] | None = None,
    target_env: Mapping[str, str] | None = None,
) -> None:
    """Run two programs, what the first writes going into the second. Raises CommandFailed for the one that fails."""
    words = tuple(str(word) for word in target)
    with output(source, env=source_env) as stream, tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            words,
            env=merged(target_env),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            start_new_session=True,
        )
        with process:
            assert process.stdin is not None  # noqa: S101 - opened with PIPE above
            try:
                shutil.copyfileobj(stream, process.stdin, 2**20)
                process.stdin.close()
                process.wait()
            except BrokenPipeError:
                process.wait()
            except BaseException:
                end(process)
                raise
        if process.returncode:
            complaints.seek(0)
            raise failure(Completed(words, process.returncode, "", complaints.read().decode(errors="replace")))


def _feed(process: subprocess.Popen[str], stdin: str | None) -> None:
    """Write standard input from a thread, so that a program that talks before it has read all cannot stall."""
    if stdin is None or process.stdin is None:
        return
    pipe = process.stdin

    def write() -> None:
        try:
            pipe.write(stdin)
            pipe.close()
        except BrokenPipeError:
            pass  # The program ended before it read everything; its exit status tells why.

    threading.Thread(target=write, daemon=True).start()


def end(process: subprocess.Popen[Any], patience: float = 10) -> None:
    """End a process group that this tool started: SIGTERM, then SIGKILL after `patience` seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(patience)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        return


def failure(completed: Completed) -> CommandFailed:
    """The error for a program that ended badly, with the end of its output."""
    output = (completed.stderr.strip() + "\n" + completed.stdout.strip()).strip()
    return CommandFailed(
        f"`{shown(completed.argv)}` ended with exit status {completed.returncode}",
        output=output,
        returncode=completed.returncode,
    )


def shown(argv: Sequence[str], limit: int = 120) -> str:
    """A command as a person would type it, cut where it gets long."""
    text = shlex.join(argv)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def merged(env: Mapping[str, str] | None) -> dict[str, str] | None:
    """This process's environment with `env` over it; None means unchanged."""
    return None if env is None else {**os.environ, **env}
