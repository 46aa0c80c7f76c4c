"""A machine profile holds the keys that servicekit reads, all of them and no others, with sensible values."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockwright.check.facts import Facts, finding
from dockwright.spec.finding import Finding
from dockwright.spec.model import PROFILE_KEYS, Machine
from dockwright.spec.names import did_you_mean

DEVICES = re.compile(r"all|none|(\d+|GPU-[0-9a-f-]+)(,(\d+|GPU-[0-9a-f-]+))*")
ALLOCATOR = re.compile(r"[a-z_]+:[^,:\s]+(,[a-z_]+:[^,:\s]+)*")


def find(facts: Facts) -> Iterator[Finding]:
    for name, machine in facts.fleet.machines.items():
        path = f"machines.{name}.profile"
        for key in machine.profile:
            if key not in PROFILE_KEYS:
                says = f"nothing reads this key{did_you_mean(key, PROFILE_KEYS)}"
                yield finding("profile-keys", "error", machine, f"{path}.{key}", says, "profile", key)
        for key in PROFILE_KEYS:
            if key not in machine.profile:
                yield finding("profile-keys", "error", machine, f"{path}.{key}", "is missing", "profile")
            elif wanted := _wanted(key, machine):
                says = f"expected {wanted}, found {machine.profile[key]!r}".replace("'", '"')
                yield finding("profile-keys", "error", machine, f"{path}.{key}", says, "profile", key)


def _wanted(key: str, machine: Machine) -> str:
    """What a key's value should be; empty when it is."""
    value = machine.profile[key]
    if key in ("OMP_NUM_THREADS", "UVICORN_WORKERS"):
        top = machine.cpus if key == "OMP_NUM_THREADS" else machine.cpus * 4
        good = isinstance(value, int) and 1 <= value <= top
        return "" if good else f"a whole number from 1 to {top} (the machine has {machine.cpus} CPUs)"
    if key == "MODEL_EVICT_THRESHOLD_PCT":
        return "" if isinstance(value, int) and 1 <= value <= 100 else "a percentage from 1 to 100"
    if key == "GPU_VISIBLE_DEVICES":
        return "" if DEVICES.fullmatch(str(value)) else 'device numbers such as "0,1", "all" or "none"'
    return "" if ALLOCATOR.fullmatch(str(value)) else 'PyTorch allocator options such as "max_split_size_mb:64"'
