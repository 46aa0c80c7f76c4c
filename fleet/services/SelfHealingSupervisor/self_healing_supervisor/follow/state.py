"""What is known of releases here, whole on the disk before anything is done about it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from self_healing_supervisor.files import write

MOST = 100


@dataclass
class Attempt:
    """A change that is under way. `images` and `before`: service -> digest; empty: what the operator approved.

    `former`: the release that was here before. `touched`: services that may have been changed already; `why` is not
    empty once it is being taken back.
    """

    name: str
    images: dict[str, str]
    before: dict[str, str]
    created: float = 0.0  # of the release; 0 for what FORCE_IMAGE_TAG asks for
    former: str = ""
    touched: list[str] = field(default_factory=list)
    why: str = ""
    lives: int = 0


@dataclass
class Kept:
    """A change that passed its gate, and until when (seconds since the epoch) it is still watched closely."""

    name: str
    images: dict[str, str]
    before: dict[str, str]
    until: float
    former: str = ""


@dataclass
class State:
    """`basis`: the operator's word (desired.json's written_at) that all this is about.

    `images`: what runs here instead of what the operator approved; `release`: what they are of. `tried`: when the
    newest release was made that was ever tried. `old`: releases that were there when the operator spoke; None: not
    asked yet. `failed`: name -> why.
    """

    basis: float = 0.0
    release: str = ""
    images: dict[str, str] = field(default_factory=dict)
    tried: float = 0.0
    old: list[str] | None = None
    failed: dict[str, str] = field(default_factory=dict)
    attempt: Attempt | None = None
    kept: Kept | None = None

    def renewed(self, basis: float) -> State:
        """After a new word of the operator: what runs is what was approved; what failed is still remembered."""
        return State(basis=basis, failed=dict(list(self.failed.items())[-MOST:]))


class StateFile:
    """Blocking. A file that is missing or broken is a machine on which nothing was followed yet."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> State:
        try:
            return _state(json.loads(self._path.read_bytes()))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return State()

    def save(self, state: State) -> None:
        """Raises OSError."""
        write(self._path, json.dumps(asdict(state)).encode())


def _state(found: dict[str, Any]) -> State:
    state = State(**found)
    state.attempt = Attempt(**found["attempt"]) if found["attempt"] else None
    state.kept = Kept(**found["kept"]) if found["kept"] else None
    return state
