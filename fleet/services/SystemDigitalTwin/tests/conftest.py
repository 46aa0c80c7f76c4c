"""The service's folder on the path, as `python -m servicekit` puts it there."""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]
for folder in (FOLDER, FOLDER / "tests"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
