"""For tests of GPU families: which of them need an NVIDIA card, and the libraries that the family brings."""

import os
import unittest
from pathlib import Path

PACKAGES = Path("/usr/local/lib/python3.11/dist-packages")


def needs_card() -> None:
    """Skip the test that asks where the container has no NVIDIA card."""
    if not Path("/dev/nvidiactl").exists():
        raise unittest.SkipTest("needs an NVIDIA card, and the container has none")


def capabilities() -> list[tuple[int, int]]:
    """The compute capabilities of the fleet's cards: (8, 9) and (8, 6)."""
    names = os.environ["TORCH_CUDA_ARCH_LIST"].split(";")
    return [(int(major), int(minor)) for major, minor in (name.split(".") for name in names)]


def libraries() -> list[Path]:
    """Every library of NVIDIA's wheels."""
    return sorted(PACKAGES.glob("nvidia/*/lib/*.so*"))
