"""The machine's hardware profile: read, exported under its own names and under those that programs really read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Final

from servicekit.errors import Misconfigured

Profile = Mapping[str, "str | int"]
WHOLE: Final = ("OMP_NUM_THREADS", "UVICORN_WORKERS", "MODEL_EVICT_THRESHOLD_PCT")
FILE_BYTES: Final = 64 * 1024


def read_profile(path: Path) -> Profile:
    """Raises Misconfigured."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(FILE_BYTES))
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise Misconfigured(f"{path}: not JSON: {error}") from error
    if not isinstance(found, dict):
        raise Misconfigured(f"{path}: not a JSON object")
    for key, value in found.items():
        if type(value) not in (str, int) or "\0" in str(value) or "\0" in key or "=" in key or not key:
            raise Misconfigured(f"{path}: {key!r} is not a text or a whole number")
        if key in WHOLE and (type(value) is not int or not 1 <= value <= 4096):
            raise Misconfigured(f"{path}: {key} is not a whole number from 1 to 4096")
    return found


def exports(profile: Profile) -> Iterator[tuple[str, str]]:
    """What the environment gets: each key as it stands, and the names that CUDA, PyTorch and BLAS read."""
    for key, value in profile.items():
        yield key, str(value)
    if "TORCH_CUDA_ALLOC_CONF" in profile:
        yield "PYTORCH_CUDA_ALLOC_CONF", str(profile["TORCH_CUDA_ALLOC_CONF"])
    if "GPU_VISIBLE_DEVICES" in profile:
        devices = str(profile["GPU_VISIBLE_DEVICES"])
        yield "NVIDIA_VISIBLE_DEVICES", devices
        if devices != "all":  # CUDA knows numbers and UUIDs; a name it does not know hides all cards
            yield "CUDA_VISIBLE_DEVICES", "" if devices == "none" else devices
    if "OMP_NUM_THREADS" in profile:
        for key in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            yield key, str(profile["OMP_NUM_THREADS"])


def export(profile: Profile, environ: MutableMapping[str, str]) -> None:
    """What is already set stays: whoever sets a variable on a container means it."""
    for key, value in exports(profile):
        environ.setdefault(key, value)
