"""The supervisor's folder on the path: what a rollout writes must be understood by those who read it."""

from __future__ import annotations

import sys
from pathlib import Path

SUPERVISOR = Path(__file__).parents[2] / "fleet" / "services" / "SelfHealingSupervisor"
if str(SUPERVISOR) not in sys.path:
    sys.path.insert(0, str(SUPERVISOR))
