"""What is baked into an instance's image beside its files: the machine profile, and the facts of the build. Pure."""

from __future__ import annotations

import json

from dockwright.spec.model import Fleet, Instance


def profile(fleet: Fleet, machine: str) -> str:
    """The text of machine-profile.json: exactly the keys of the machine's profile."""
    return json.dumps(fleet.machines[machine].profile, indent=2, sort_keys=True) + "\n"


def facts(fleet: Fleet, instance: Instance) -> dict[str, str | int]:
    """What build.json says of an instance, whatever commit it is built from."""
    row = fleet.services[instance.service]
    return {
        "service": instance.service,
        "machine": instance.machine,
        "family": fleet.lineage(row.family)[-1],
        "port": row.port,
        "health_port": row.health_port,
    }


def build_facts(fleet: Fleet, instance: Instance, *, git_sha: str, tag: str, input_digest: str) -> dict[str, str | int]:
    """build.json as a whole."""
    return {**facts(fleet, instance), "git_sha": git_sha, "tag": tag, "input_digest": input_digest}
