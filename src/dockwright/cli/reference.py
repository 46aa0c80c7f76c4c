"""Reference pages, made from the models and the rules, so that they cannot say something else than the code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from dockwright.check.registry import all_rules
from dockwright.release.record import Record
from dockwright.spec import schema
from dockwright.spec.family import FamilyFile
from dockwright.spec.model import FleetFile
from dockwright.spec.service import ServiceFile

NOTE = "<!-- Made by ./dockwright schema. -->"


def pages() -> dict[str, str]:
    """Page name -> its text."""
    return {
        "fleet.toml.md": model_page("fleet/fleet.toml", FleetFile),
        "service.toml.md": model_page("fleet/services/NAME/service.toml", ServiceFile),
        "family.toml.md": model_page("fleet/families/NAME/family.toml", FamilyFile),
        "release.schema.json": schema.render(Record),
        "rules.md": rules_page(),
    }


def stale(folder: Path) -> list[tuple[Path, str]]:
    """Pages that are missing or not what the code says: (file, the text it should have)."""
    wanted = [(folder / name, text) for name, text in pages().items()]
    return [(path, text) for path, text in wanted if not path.is_file() or path.read_text(encoding="utf-8") != text]


def rules_page() -> str:
    """What each rule of `dockwright check` demands."""
    lines = [NOTE, "", "# Rules of `dockwright check`", "", "| rule | what it demands |", "| --- | --- |"]
    lines += [f"| `{rule.name}` | {rule.about.splitlines()[0]} |" for rule in all_rules()]
    lines += ["", "Beside these, the shape of the files is checked: `unreadable`, `toml-syntax`, `unknown-key`,"]
    lines += ["`missing-key`, `bad-name` and `bad-value`.", ""]
    return "\n".join(lines)


def model_page(title: str, model: type[BaseModel]) -> str:
    """The keys of a file, table by table."""
    schema = model.model_json_schema()
    lines = [NOTE, "", f"# {title}", "", _first(schema), "", *_table(schema)]
    for name, part in schema.get("$defs", {}).items():
        lines += ["", f"## {_heading(name, schema)}", "", _first(part), "", *_table(part)]
    return "\n".join([*lines, ""])


def _first(schema: dict[str, Any]) -> str:
    return str(schema.get("description", "")).split("\n\n")[0]


def _heading(name: str, schema: dict[str, Any]) -> str:
    """How a table is written in the file: [machines.NAME] or [[phases]]."""
    for key, value in schema["properties"].items():
        if name in json.dumps(value):
            return f"[[{key}]]" if value.get("type") == "array" else f"[{key}.NAME]"
    return name


def _table(schema: dict[str, Any]) -> Iterator[str]:
    yield "| key | type | default | meaning |"
    yield "| --- | --- | --- | --- |"
    required = schema.get("required", [])
    for key, field in schema["properties"].items():
        default = "required" if key in required else f"`{json.dumps(field.get('default'))}`"
        default = "" if default == "`null`" else default
        meaning = field.get("description", "").replace("|", "\\|")
        yield f"| `{key}` | {_type(field)} | {default} | {meaning} |"


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return "table"
    if "anyOf" in field:
        return " or ".join(_type(part) for part in field["anyOf"] if part.get("type") != "null")
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"] if value)
    if "const" in field:
        return f"`{field['const']}`"
    kind = str(field.get("type", ""))
    if kind == "array":
        return f"list of {_type(field['items'])}"
    if kind == "object":
        return "table"
    bounds = [f"{sign} {field[key]}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in field]
    name = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}.get(kind, kind)
    return re.sub(r"\s+", " ", f"{name} {', '.join(bounds)}").strip()
