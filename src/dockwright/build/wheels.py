"""Which wheels an image's builder stage makes or downloads, and whether files are those. Pure, but for reading locks.

They are the pins of the image's lock that its parent does not have. A wheel must be one that the lock allows; one that
was compiled here from source has a hash that no lock can know: it is the one that its maker recorded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from dockwright.build.images import Image
from dockwright.errors import DockwrightError
from dockwright.lock import pins
from dockwright.lock.pins import Pin
from dockwright.spec.names import slug

LOCK = "requirements.lock"
# What compiles decides, beside the pinned source, what is compiled.
RECIPE = ("Dockerfile", "build.lock")
STAGE = "wheels"
# What install-wheels installs from, beside the wheels.
INSTALLED = "wheels.lock"


@dataclass(frozen=True)
class Wanted:
    """The wheels of one lock. `name`: a family or a service; `key` is the same for the same wheels."""

    name: str
    lock: Path
    pins: Mapping[str, Pin]
    key: str

    @property
    def tag(self) -> str:
        return f"{slug(self.name)}-{self.key[:32]}"


def wanted(images: Mapping[str, Image], image: Image) -> Wanted | None:
    """The wheels of an image; None where there are none. `images` holds it and all that it stands on."""
    path = image.context / LOCK
    if not path.is_file():
        return None
    lock = pins.read(path)
    above = _parents_pins(images, image)
    missing = {name: pin for name, pin in lock.pins.items() if name not in above}
    if not missing:
        return None
    made = hashlib.sha256(lock.head.get("for", "").encode())
    made.update(json.dumps([[pin.name, pin.version, sorted(pin.hashes)] for pin in missing.values()]).encode())
    if any(pin.is_source for pin in missing.values()):
        for file in RECIPE:
            recipe = image.context / file
            made.update(recipe.read_bytes() if recipe.is_file() else b"")
    name = image.instance.service if image.instance else image.name
    return Wanted(name, path, missing, made.hexdigest())


def _parents_pins(images: Mapping[str, Image], image: Image) -> Mapping[str, Pin]:
    """The pins of the nearest image below that has a lock: it contains those of all others."""
    while image.parent is not None:
        image = images[image.parent]
        if (image.context / LOCK).is_file():
            return pins.read_lock(image.context / LOCK)
    return {}


def check(wanted: Wanted, files: Mapping[str, str], where: str) -> None:
    """Hold wheels (file name -> digest) against a lock. Raises DockwrightError for the first that is not allowed."""
    found = set()
    for file, digest in files.items():
        pin = wanted.pins.get(_name(file))
        if pin is None or _version(file) != Version(pin.version):
            raise DockwrightError(f"{where}: {file} is no wheel of {wanted.name}'s lock", "do not use it")
        if digest != pin.sha256 and not pin.is_source:
            raise DockwrightError(f"{where}: {file} is not the file that {wanted.name}'s lock names", "do not use it")
        if pin.name in found:
            raise DockwrightError(f"{where}: there are two wheels of {pin.name}", "do not use them")
        found.add(pin.name)
    missing = sorted(set(wanted.pins) - found)
    if missing:
        raise DockwrightError(
            f"{where}: the wheel of {missing[0]} is missing", f"./dockwright push --wheels {wanted.name}"
        )


def _name(file: str) -> str:
    try:
        return canonicalize_name(parse_wheel_filename(file)[0])
    except InvalidWheelFilename:
        return ""


def _version(file: str) -> Version:
    return parse_wheel_filename(file)[1]


def requirements(files: Mapping[str, str]) -> str:
    """What is to be installed from checked wheels (file name -> digest): these, and nothing else."""
    lines = (f"{_name(file)}=={_version(file)} --hash={digest}\n" for file, digest in sorted(files.items()))
    return "".join(lines)


def compiled(wanted: Wanted, files: Iterable[str]) -> set[str]:
    """Those wheels that were compiled from source."""
    return {file for file in files if wanted.pins[_name(file)].is_source}
