"""What was rendered for a release, kept per machine: the compose file and what was desired.

Going back to a release starts what was rendered for it then, not what today's files would say of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dockwright.engine.state import dumps, read_json, write_atomically
from dockwright.errors import UnreadableInput
from dockwright.rollout.compose import CONFIG_LABEL, FILTER
from dockwright.rollout.place import Place
from dockwright.rollout.target import Target
from dockwright.spec.model import Instance
from dockwright.spec.names import slug

UP = "up"  # the name that what `up` rolled out goes by, next to releases


@dataclass(frozen=True)
class Kept:
    """One machine's files of one release."""

    machine: str
    release: str
    compose: Path
    desired: Mapping[str, Any]
    targets: Mapping[Instance, Target]
    filtered: Collection[Instance]

    def rows(self) -> dict[Instance, Mapping[str, Any]]:
        return {Instance(row["service"], row["machine"]): row for row in self.desired["instances"]}

    def called(self, release: str) -> Kept:
        """The same under another name."""
        targets = {each: replace(target, release=release) for each, target in self.targets.items()}
        return replace(self, release=release, targets=targets)

    def services(self, instance: Instance) -> list[str]:
        """The compose services of an instance: itself and, for the one that gets Docker, the filter before it."""
        name = slug(instance.service)
        return [name, FILTER] if instance in self.filtered else [name]


def folder(place: Place, release: str) -> Path:
    return place.home if release == UP else place.home / "releases" / release


def write(place: Place, release: str, compose: str, desired: Mapping[str, Any]) -> None:
    """Keep a release's files."""
    write_atomically(folder(place, release) / "desired.json", dumps(dict(desired)))
    write_atomically(folder(place, release) / "compose.yaml", compose)


def read(place: Place, machine: str, release: str) -> Kept | None:
    """What is kept of a release; None where nothing is. Raises UnreadableInput for files that are not whole."""
    import yaml

    compose = folder(place, release) / "compose.yaml"
    file = place.desired if release == UP else folder(place, release) / "desired.json"
    desired = read_json(file)
    if desired is None or not compose.is_file():
        return None
    try:
        # The parser in C, where there is one, is ten times as quick, and as safe.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        services = yaml.load(compose.read_text(), Loader=loader)["services"]  # noqa: S506
        targets = _targets(machine, release, services, desired)
        filtered = {each for each in targets if FILTER in (services[slug(each.service)].get("depends_on") or {})}
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableInput(
            f"{compose}: is no compose file of the fleet", "./dockwright deploy renders it"
        ) from error
    return Kept(machine, release, compose, desired, targets, filtered)


def _targets(
    machine: str, release: str, services: Mapping[str, Any], desired: Mapping[str, Any]
) -> dict[Instance, Target]:
    found: dict[Instance, Target] = {}
    for row in desired["instances"]:
        instance = Instance(row["service"], row["machine"])
        service = services[slug(instance.service)]
        config = str(service["labels"].get(CONFIG_LABEL, ""))
        image = str(row["image_digest"])
        port, seconds = int(row["health_port"]), int(row["start_seconds"])
        found[instance] = Target(instance, machine, release, image, str(service["image"]), config, port, seconds)
    return found
