"""What this machine built last of each image: what its changes are told against. A note, and nothing depends on it."""

from __future__ import annotations

from pathlib import Path

from dockwright.build.plan import Plan
from dockwright.engine.state import dumps, read_json, state_dir, write_atomically
from dockwright.errors import UnreadableInput


def built() -> dict[str, str]:
    """Image -> input digest."""
    try:
        return {name: str(digest) for name, digest in (read_json(_note()) or {}).items()}
    except UnreadableInput:
        return {}  # The next build writes it anew.


def remember(made: Plan) -> None:
    """Note what a build has ended with."""
    before = built()
    now = before | {name: entry.image.input_digest for name, entry in made.entries.items()}
    if now != before:
        write_atomically(_note(), dumps(now))


def _note() -> Path:
    return state_dir() / "built.json"
