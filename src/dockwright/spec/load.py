"""Reads a fleet folder: fleet.toml and the service.toml of every implemented service."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from dockwright.spec import document, references, words
from dockwright.spec.finding import Finding, SpecError
from dockwright.spec.model import Fleet, FleetFile
from dockwright.spec.service import ServiceFile

Model = TypeVar("Model", bound=BaseModel)


def load_fleet(folder: Path) -> Fleet:
    """The fleet that a folder declares. Raises SpecError with everything that makes it unusable."""
    fleet, findings = read_fleet(folder)
    if fleet is not None and not findings:
        findings = references.broken(fleet)
    if fleet is None or findings:
        raise SpecError(findings)
    return fleet


def read_fleet(folder: Path) -> tuple[Fleet | None, list[Finding]]:
    """The fleet as far as it can be read, and what is wrong with the shape of its files.

    The fleet is None when fleet.toml itself cannot be used; a service.toml that cannot is left out.
    """
    shown = folder.resolve().name
    main, findings = _parse(FleetFile, folder / "fleet.toml", f"{shown}/fleet.toml")
    found: dict[str, ServiceFile] = {}
    for name in service_folders(folder):
        path, file = folder / "services" / name / "service.toml", f"{shown}/services/{name}/service.toml"
        service, wrong = _parse(ServiceFile, path, file)
        findings += wrong
        if service is not None:
            found[name] = service
    if main is None:
        return None, findings
    fleet = Fleet.model_construct(
        **{name: getattr(main, name) for name in FleetFile.model_fields}, implementations=found
    )
    fleet._table = main._table
    return fleet, findings


def service_folders(folder: Path) -> list[str]:
    """Names of the folders below fleet/services: each is one implemented service."""
    services = folder / "services"
    if not services.is_dir():
        return []
    with os.scandir(services) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith((".", "__")))


def _parse(model: type[Model], path: Path, file: str) -> tuple[Model | None, list[Finding]]:
    try:
        table = document.read(path, file)
    except SpecError as error:
        return None, list(error.findings)
    try:
        return model.model_validate(table), []
    except ValidationError as error:
        return None, words.findings(error, model, table)
