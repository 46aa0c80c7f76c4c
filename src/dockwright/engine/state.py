"""Where the tool keeps what it makes on this machine: one directory, never inside the checkout."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dockwright.errors import DockwrightError, UnreadableInput


def state_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """`$DOCKWRIGHT_STATE`, else `$XDG_STATE_HOME/dockwright`, else `~/.local/state/dockwright`."""
    own = environ.get("DOCKWRIGHT_STATE")
    if own:
        return Path(own).absolute()
    home = environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "dockwright"


def write_atomically(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    """Replace a file as a whole: temporary name, fsync, rename. A full disk leaves the old file as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    data = content.encode() if isinstance(content, str) else content
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:  # noqa: PTH123
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, says: str) -> Iterator[None]:
    """Hold a file's lock; a process that ends in any way lets it go. Raises DockwrightError where another holds it."""
    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DockwrightError(says, f"wait until {_holder(file)} has ended") from error
        _sign(file)
        yield


@contextmanager
def in_turn(path: Path, says: str, say: Callable[[str], None]) -> Iterator[None]:
    """Hold a file's lock as `locked` does, but wait for it where another process holds it, and say so."""
    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{says}: waiting until {_holder(file)} has ended")
            fcntl.flock(file, fcntl.LOCK_EX)
        _sign(file)
        yield


def _opened(path: Path) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("a+")


def _holder(file: IO[str]) -> str:
    file.seek(0)
    return f"process {file.read(20).strip() or 'that holds it'}"


def _sign(file: IO[str]) -> None:
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()


def read_json(path: Path) -> dict[str, object] | None:
    """A JSON object that the tool wrote earlier; None where there is none.

    Raises UnreadableInput when the file is there but is no JSON object.
    """
    try:
        value = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UnreadableInput(f"{path}: {error}", "move the file away and run the command again") from error
    if not isinstance(value, dict):
        raise UnreadableInput(f"{path}: expected a JSON object", "move the file away and run the command again")
    return value


def dumps(value: object) -> str:
    """JSON as the tool writes it: sorted, indented, one trailing newline."""
    return json.dumps(value, indent=2, sort_keys=True) + "\n"
