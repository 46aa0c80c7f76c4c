"""JSON schemas of the files that people write, generated from the same models that read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from dockwright.spec.address import MachinesFile
from dockwright.spec.family import FamilyFile
from dockwright.spec.model import PROFILE_KEYS, FleetFile
from dockwright.spec.service import ServiceFile

# Schema file below the fleet folder -> the model that it describes.
SCHEMAS: dict[str, type[BaseModel]] = {
    "fleet.schema.json": FleetFile,
    "machines.schema.json": MachinesFile,
    "services/service.schema.json": ServiceFile,
    "families/family.schema.json": FamilyFile,
}


def render(model: type[BaseModel]) -> str:
    """A model's schema as text, the same bytes every time."""
    schema = {"$schema": GenerateJsonSchema.schema_dialect, **model.model_json_schema()}
    if model is FleetFile:
        _name_profile_keys(schema)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _name_profile_keys(schema: dict[str, Any]) -> None:
    """The profile is a table with known keys; editors complete them, and `check` finds what nothing reads."""
    profile = schema["$defs"]["Machine"]["properties"]["profile"]
    profile["properties"] = dict.fromkeys(PROFILE_KEYS, profile["additionalProperties"])
    profile["required"] = list(PROFILE_KEYS)
    profile["additionalProperties"] = False


def stale(folder: Path) -> list[tuple[Path, str]]:
    """Schema files of a fleet folder that are not what the models say: (file, the text it should have)."""
    wanted = [(folder / name, render(model)) for name, model in SCHEMAS.items()]
    return [(path, text) for path, text in wanted if not path.is_file() or path.read_text(encoding="utf-8") != text]
