"""Writes lock files: what pip and uv read, with who asks for each package and which file will be taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from dockwright.engine.state import write_atomically
from dockwright.errors import DockwrightError
from dockwright.lock.pins import Pin, digest

MADE = "# Made by ./dockwright lock: change requirements.in and run it again. --check finds edits by hand."


def render(head: Mapping[str, str], pins: Iterable[Pin]) -> str:
    """The text of a lock file. `head`: `for`, `inputs` and, where there is one, `parent`."""
    body = "".join(map(_pin, sorted(pins, key=lambda pin: pin.name)))
    said = {**head, "content": digest(body)}
    return "\n".join([MADE, *(f"# {key}: {value}" for key, value in said.items()), "", body]).removesuffix("\n") + "\n"


def _pin(pin: Pin) -> str:
    lines = [f"{pin.name}=={pin.version} \\"]
    lines += [f"    --hash={value} \\" for value in sorted(pin.hashes)]
    lines[-1] = lines[-1].removesuffix(" \\")
    if pin.file:
        lines.append(f"    # file: {pin.file} {pin.size} {pin.sha256}")
    lines += [f"    # via: {via.source}: {via.requirement}" for via in sorted(pin.via, key=lambda via: via.source)]
    return "\n".join(lines) + "\n"


def write(root: Path, file: Path, content: str) -> bool:
    """Replace a lock as a whole, unless it says the same already; whether it changed.

    Raises DockwrightError with the system's reason where that is not possible; the old file stays.
    """
    target = root / file
    if target.is_file() and target.read_bytes() == content.encode():
        return False
    try:
        write_atomically(target, content)
    except OSError as error:
        says = f"{file}: cannot be written: {error.strerror or error}"
        raise DockwrightError(says, "the old lock is as it was; make room and run it again") from None
    return True
