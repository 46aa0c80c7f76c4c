"""Pins: a service held at one image until a day, with a reason; FORCE_IMAGE_TAG, as the blueprint calls it.

A pin wins over every release. It names its image by digest from the moment it is made, so a tag that moves changes
nothing. One whose last day has passed still shows, loudly, and holds nothing any more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from dockwright.engine.docker import Docker
from dockwright.engine.state import dumps, read_json, state_dir, write_atomically
from dockwright.errors import DockwrightError, UnreadableInput, UsageError
from dockwright.rollout.journal import who
from dockwright.spec.model import Fleet, Instance
from dockwright.spec.names import did_you_mean, slug

VARIABLE = "FORCE_IMAGE_TAG"


@dataclass(frozen=True)
class Pin:
    """One service held at a tag. `until`: the last day, as an ISO date; `images`: instance -> digest."""

    service: str
    tag: str
    until: str
    why: str
    who: str
    images: Mapping[str, str]

    def expired(self, today: date) -> bool:
        return date.fromisoformat(self.until) < today


def file() -> Path:
    return state_dir() / "rollout" / "pins.json"


def read() -> dict[str, Pin]:
    """Service -> its pin. Raises UnreadableInput for a file that is not what `pin` wrote."""
    found: dict[str, Pin] = {}
    for name, entry in (read_json(file()) or {}).items():
        try:
            pin = Pin(service=name, **entry)  # type: ignore[arg-type]
            date.fromisoformat(pin.until)
            found[name] = Pin(**{**asdict(pin), "images": {str(key): str(value) for key, value in pin.images.items()}})
        except (TypeError, ValueError, AttributeError) as error:
            raise UnreadableInput(f"{file()}: {name}: is no pin", "move the file away and pin again") from error
    return found


def pin(fleet: Fleet, docker: Docker, service: str, tag: str, until: date, why: str, today: date) -> Pin:
    """Hold a service at the image that a tag names now. Raises UsageError, DockwrightError where there is none."""
    if service not in fleet.services:
        raise UsageError(f"there is no service '{service}'{did_you_mean(service, fleet.services)}")
    if until < today:
        raise UsageError(f"--until {until} has passed", "name the last day on which it shall hold")
    instances = [each for each in fleet.instances() if each.service == service]
    made = Pin(service, tag, until.isoformat(), why, who(), resolve(fleet, docker, instances, tag))
    _write({**read(), service: made})
    return made


def unpin(service: str) -> Pin:
    """Let a service follow releases again. Raises UsageError where it is not held."""
    known = read()
    if service not in known:
        raise UsageError(f"{service} is not pinned{did_you_mean(service, known)}")
    _write({name: one for name, one in known.items() if name != service})
    return known[service]


def _write(pins: Mapping[str, Pin]) -> None:
    rows = {name: {key: value for key, value in asdict(one).items() if key != "service"} for name, one in pins.items()}
    write_atomically(file(), dumps(rows))


def resolve(fleet: Fleet, docker: Docker, instances: Iterable[Instance], tag: str) -> dict[str, str]:
    """Instance name -> the digest that a tag means; `TAG` alone means `TAG-<machine>`. Raises DockwrightError."""
    found: dict[str, str] = {}
    for each in instances:
        repository = f"{fleet.registry}/{slug(each.service)}"
        names = [f"{repository}:{text}" for text in dict.fromkeys((f"{tag}-{each.machine}", tag))]
        entries = docker.inspect("image", names)
        if entries:
            found[each.name] = str(entries[0]["Id"])
    if not found:
        raise DockwrightError(f"no image of {repository} is tagged {tag}", f"docker image ls {repository} names them")
    return found


def held(fleet: Fleet, docker: Docker, today: date, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Instance -> the digest that it is held at, by pins that have not expired and by FORCE_IMAGE_TAG.

    The variable says `Service=tag`, several with commas between; it wins over the file.
    """
    found: dict[str, str] = {}
    for one in read().values():
        if not one.expired(today):
            found |= one.images
    for service, tag in forced(fleet, environ).items():
        found |= resolve(fleet, docker, [each for each in fleet.instances() if each.service == service], tag)
    return found


def forced(fleet: Fleet, environ: Mapping[str, str]) -> dict[str, str]:
    """Service -> tag, as FORCE_IMAGE_TAG says. Raises UsageError."""
    found: dict[str, str] = {}
    for part in filter(None, (text.strip() for text in environ.get(VARIABLE, "").split(","))):
        service, equals, tag = part.partition("=")
        if not equals or not tag or service not in fleet.services:
            raise UsageError(
                f"{VARIABLE} says '{part}'{did_you_mean(service, fleet.services)}", "write Service=tag, commas between"
            )
        found[service] = tag
    return found


def protected() -> dict[str, str]:
    """Digest -> why, of images that no pruning may take: those of every pin, expired or not, until somebody unpins."""
    return {
        digest: f"{one.service} is pinned to it: {one.why}" for one in read().values() for digest in one.images.values()
    }
