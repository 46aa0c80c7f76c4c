"""Small made file systems, for bills of materials to be read off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bill.__main__ import main

RELEASE = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n'
PYTHON = "usr/local/lib/python3.11/dist-packages"
INSTALLED = "install ok installed"
Fields = Mapping[str, str | list[str]]


def deb(name: str, version: str, status: str = INSTALLED, **more: str) -> dict[str, str]:
    """A paragraph of dpkg's status."""
    fields = {key.replace("_", "-"): value for key, value in more.items()}
    return {"Package": name, "Status": status, "Version": version, "Architecture": "amd64", **fields}


def wheel(name: str, version: str, **more: str | list[str]) -> dict[str, str | list[str]]:
    """A distribution's METADATA."""
    fields = {key.replace("_", "-"): value for key, value in more.items()}
    return {"Metadata-Version": "2.4", "Name": name, "Version": version, **fields}


def made(
    folder: Path,
    debian: list[dict[str, str]],
    python: list[dict[str, str | list[str]]],
    files: Mapping[str, str] | None = None,
) -> Path:
    """A file system with these packages, written in the order in which they are given, and files by path."""
    texts = {
        "etc/os-release": RELEASE,
        "var/lib/dpkg/status": "\n".join(map(paragraph, debian)),
    }
    for fields in python:
        info = dist_info(fields)
        texts[f"{info}/METADATA"] = paragraph(fields) + "\nLicense: its description says\n"
        texts[f"{info}/RECORD"] = f"{fields['Name']}/__init__.py,sha256=x,1\n"
    for name, content in {**texts, **(files or {})}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def dist_info(fields: Fields, folder: str = PYTHON) -> str:
    return f"{folder}/{fields['Name']}-{fields['Version']}.dist-info"


def paragraph(fields: Fields) -> str:
    lines = ((key, each) for key, value in fields.items() for each in ([value] if isinstance(value, str) else value))
    return "".join(f"{key}: {value}\n" for key, value in lines)


def bill(
    image: Path,
    parent: Path,
    name: str = "Alpha",
    below: str = "debian-bookworm",
    known: Mapping[str, Any] | None = None,
) -> str:
    """What the build step writes for a file system."""
    target = image.with_name(f"{image.name}-tree")
    (image.parent / "known.json").write_text(json.dumps(known or {}))
    words = ["--image", image, "--parent", parent, "--known", image.parent / "known.json"]
    main([*map(str, words), "--name", name, "--below", below, "--target", str(target)])
    return (target / "etc/dockwright/sbom.json").read_text()


def components(text: str) -> dict[str, dict[str, Any]]:
    """Name -> component, but for the distribution."""
    return {one["name"]: one for one in json.loads(text)["components"] if one["type"] != "operating-system"}


def properties(component: Mapping[str, Any]) -> dict[str, str]:
    return {one["name"].removeprefix("dockwright:"): one["value"] for one in component["properties"]}
