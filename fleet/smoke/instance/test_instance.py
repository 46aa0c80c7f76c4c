"""Every service's image: what its last layers say of it, and a program that finds everything it imports."""

import importlib
import json
import sys
from importlib import metadata
from pathlib import Path

from servicekit.settings import load


def test_the_kit_reads_what_the_image_says_of_itself() -> None:
    settings = load(Path("/app"), {})
    found = settings.build["service"], settings.build["machine"], settings.build["input_digest"]
    assert found[0] == settings.spec.name, found
    assert found[1] in settings.build["tag"], found
    assert found[2].startswith("sha256:"), found
    assert settings.profile["OMP_NUM_THREADS"], settings.profile


def test_the_program_finds_what_it_imports() -> None:
    module, _, factory = load(Path("/app"), {}).spec.entry.partition(":")
    sys.path.insert(0, "/app")
    assert callable(getattr(importlib.import_module(module), factory)), (module, factory)


def test_the_bill_of_materials_lists_every_python_package() -> None:
    bill = json.loads(Path("/etc/dockwright/sbom.json").read_text())
    told = {(one["name"], one["version"]) for one in bill["components"] if one.get("purl", "").startswith("pkg:pypi/")}
    found = {(one.metadata["Name"], one.version) for one in metadata.distributions()}
    assert told == found, told ^ found
