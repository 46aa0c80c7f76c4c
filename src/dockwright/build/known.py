"""The files that an image is made of: what its bill of materials says of where its packages come from."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from dockwright.build.packages import Packages
from dockwright.lock import pins

FILE = "known.json"


def known(folder: Path, packages: Iterable[Packages]) -> str:
    """JSON: package -> version, sha256 and what it is of. `packages`: the Debian packages that are unpacked.

    Raises UnreadableInput where the lock of Python packages in `folder` cannot be read.
    """
    found = {f"deb/{deb.name}": _entry(deb.version, deb.sha256, "deb") for of in packages for deb in of.debs.values()}
    lock = folder / "requirements.lock"
    for pin in pins.read_lock(lock).values() if lock.is_file() else ():
        found[f"pypi/{pin.name}"] = _entry(pin.version, pin.sha256, "sdist" if pin.is_source else "wheel")
    return json.dumps(found, indent=1, sort_keys=True) + "\n"


def _entry(version: str, sha256: str, of: str) -> dict[str, str]:
    return {"version": version, "sha256": sha256.removeprefix("sha256:"), "of": of}
