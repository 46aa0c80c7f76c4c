"""Reads a fleet folder: fleet.toml, the service.toml of every implemented service, the family.toml of families."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from dockwright.spec import document, references, words
from dockwright.spec.family import FamilyFile
from dockwright.spec.finding import Finding, SpecError
from dockwright.spec.model import Fleet, FleetFile
from dockwright.spec.service import ServiceFile

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Reading:
    """What could be read, everything wrong with its shape, and the names of rows that were left out."""

    fleet: Fleet | None
    findings: tuple[Finding, ...]
    dropped: frozenset[str] = frozenset()


def load_fleet(folder: Path) -> Fleet:
    """The fleet that a folder declares. Raises SpecError with everything that makes it unusable."""
    fleet, findings = read_fleet(folder)
    if fleet is not None and not findings:
        findings = references.broken(fleet)
    if fleet is None or findings:
        raise SpecError(findings)
    return fleet


def read_fleet(folder: Path) -> tuple[Fleet | None, list[Finding]]:
    """The fleet, and what is wrong with the shape of its files.

    The fleet is None when fleet.toml itself cannot be used; a service.toml that cannot is left out.
    """
    reading = read_what_is_good(folder)
    return (None if reading.dropped else reading.fleet), list(reading.findings)


def read_what_is_good(folder: Path) -> Reading:
    """The fleet without the rows that have a wrong shape, so that one bad row does not hide what else is wrong."""
    shown = folder.resolve().name
    main, findings, dropped = _fleet_file(folder / "fleet.toml", f"{shown}/fleet.toml")
    found: dict[str, ServiceFile] = {}
    for name in service_folders(folder):
        path, file = folder / "services" / name / "service.toml", f"{shown}/services/{name}/service.toml"
        service, wrong = _parse(ServiceFile, path, file)
        findings += wrong
        if service is not None:
            found[name] = service
    families, wrong = _family_files(folder, shown)
    findings += wrong
    if main is None:
        return Reading(None, tuple(findings))
    fleet = Fleet.model_construct(
        **{name: getattr(main, name) for name in FleetFile.model_fields}, implementations=found, family_files=families
    )
    fleet._table = main._table
    return Reading(fleet, tuple(findings), dropped)


def service_folders(folder: Path) -> list[str]:
    """Names of the folders below fleet/services: each is one implemented service."""
    services = folder / "services"
    if not services.is_dir():
        return []
    with os.scandir(services) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith((".", "__")))


def _family_files(folder: Path, shown: str) -> tuple[dict[str, FamilyFile], list[Finding]]:
    """Every family.toml that can be read: a family needs none."""
    found: dict[str, FamilyFile] = {}
    findings: list[Finding] = []
    for path in sorted((folder / "families").glob("*/family.toml")):
        name = path.parent.name
        family, wrong = _parse(FamilyFile, path, f"{shown}/families/{name}/family.toml")
        findings += wrong
        if family is not None:
            found[name] = family
    return found, findings


def _fleet_file(path: Path, file: str) -> tuple[FleetFile | None, list[Finding], frozenset[str]]:
    """fleet.toml without its bad rows; None when what is left is no fleet."""
    try:
        table = document.read(path, file)
    except SpecError as error:
        return None, list(error.findings), frozenset()
    try:
        return FleetFile.model_validate(table), [], frozenset()
    except ValidationError as error:
        findings = words.findings(error, FleetFile, table)
        good, dropped = _without(table, [detail["loc"] for detail in error.errors()])
    try:
        return FleetFile.model_validate(good), findings, dropped
    except ValidationError:
        return None, findings, frozenset()


def _without(table: document.Table, places: list[tuple[str | int, ...]]) -> tuple[document.Table, frozenset[str]]:
    """A fleet's table without the rows, or whole keys, that the places are in; and the names of what was left out."""
    bad = {tuple(place[:2]) if len(place) > 1 else tuple(place) for place in places}
    kept: dict[str, object] = {}
    for key, value in table.items():
        if (key,) in bad:
            continue
        if isinstance(value, document.Table):
            rows = {name: row for name, row in value.items() if (key, name) not in bad}
            kept[key] = document.Table(rows, value.document, value.path)
        elif isinstance(value, tuple):
            kept[key] = tuple(row for index, row in enumerate(value) if (key, index) not in bad)
        else:
            kept[key] = value
    return document.Table(kept, table.document, table.path), frozenset(_row_name(table, place) for place in bad)


def _row_name(table: document.Table, place: tuple[str | int, ...]) -> str:
    """The name that findings call a row by: its key, or its own `name` or `id` in a list."""
    last = place[-1]
    row = table[str(place[0])][last] if isinstance(last, int) else None
    return str(row.get("name", row.get("id", last)) if isinstance(row, dict) else last)


def _parse(model: type[Model], path: Path, file: str) -> tuple[Model | None, list[Finding]]:
    try:
        table = document.read(path, file)
    except SpecError as error:
        return None, list(error.findings)
    try:
        return model.model_validate(table), []
    except ValidationError as error:
        return None, words.findings(error, model, table)
