"""What every verb needs to know of where it runs."""

from __future__ import annotations

from pathlib import Path

import dockwright


def repository() -> Path:
    """The checkout that this tool runs from: the folder that holds `fleet/`."""
    return Path(dockwright.__file__).resolve().parents[2]
