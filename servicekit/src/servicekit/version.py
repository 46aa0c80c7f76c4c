"""The kit's version, shown by /info."""

from __future__ import annotations

from typing import Final

VERSION: Final = "1.0.0"
