"""The JSON schemas are what the models say, and agree with them about real files."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest
from check.case import CASES

from dockwright.cli import reference
from dockwright.spec import schema

ROOT = Path(__file__).parents[2]


def test_the_schemas_are_up_to_date() -> None:
    assert [str(path) for path, _ in schema.stale(ROOT / "fleet")] == [], "run ./dockwright schema"


def test_the_reference_pages_are_up_to_date() -> None:
    assert [str(path) for path, _ in reference.stale(ROOT / "docs" / "reference")] == [], "run ./dockwright schema"


def test_a_changed_schema_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "fleet.schema.json").write_text("{}")
    assert [path.name for path, _ in schema.stale(tmp_path)] == [
        "fleet.schema.json",
        "machines.schema.json",
        "service.schema.json",
        "family.schema.json",
    ]


def check(file: Path, name: str) -> None:
    """As an editor does: dates are texts there."""
    values = json.loads(json.dumps(tomllib.loads(file.read_text()), default=str))
    jsonschema.validate(values, json.loads((ROOT / "fleet" / name).read_text()))


@pytest.mark.parametrize("folder", [ROOT / "fleet", CASES / "fleet"], ids=["this fleet", "the cases' fleet"])
def test_good_files_fit_the_schemas(folder: Path) -> None:
    check(folder / "fleet.toml", "fleet.schema.json")
    for service in folder.glob("services/*/service.toml"):
        check(service, "services/service.schema.json")
    for family in folder.glob("families/*/family.toml"):
        check(family, "families/family.schema.json")


def test_a_bad_row_does_not_fit(tmp_path: Path) -> None:
    file = tmp_path / "fleet.toml"
    file.write_text((CASES / "fleet" / "fleet.toml").read_text().replace("port = 7002", 'port = "7002"', 1))
    with pytest.raises(jsonschema.ValidationError):
        check(file, "fleet.schema.json")


def test_the_files_name_their_schema() -> None:
    assert (ROOT / "fleet" / "fleet.toml").read_text().startswith("#:schema fleet.schema.json\n")
    for service in (ROOT / "fleet" / "services").glob("*/service.toml"):
        assert service.read_text().startswith("#:schema ../service.schema.json\n"), service
    for family in (ROOT / "fleet" / "families").glob("*/family.toml"):
        assert family.read_text().startswith("#:schema ../family.schema.json\n"), family
