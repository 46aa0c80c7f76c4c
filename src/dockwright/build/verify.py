"""Compares two OCI layouts of one image: equal digests, or which layer, which file and what of it differs. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dockwright.build.layer import compare


@dataclass(frozen=True)
class Difference:
    """One thing that two builds of an image do not have in common; `path` is empty where it is in no file."""

    image: str
    where: str
    path: str
    what: str
    files: int = 0  # how many files of the layer differ

    def __str__(self) -> str:
        more = f" (and {self.files - 1} more files of this layer)" if self.files > 1 else ""
        return ": ".join(part for part in (self.image, self.where, self.path, self.what) if part) + more


@dataclass(frozen=True)
class Picture:
    """An image as a layout holds it."""

    folder: Path
    digest: str
    config: Mapping[str, Any]
    layers: tuple[str, ...]

    def blob(self, digest: str) -> Path:
        return _blob(self.folder, digest)

    def layer_name(self, index: int) -> str:
        return layer_name(self.config, index, len(self.layers))


def layer_name(config: Mapping[str, Any], index: int, count: int) -> str:
    """`layer 3 (what made it)`, of an image with `count` layers."""
    made = [entry for entry in config.get("history", ()) if not entry.get("empty_layer")]
    # Only a history with one entry for each layer tells which made which.
    by = str(made[index].get("created_by", "")) if len(made) == count else ""
    said = " ".join(by.removesuffix("# buildkit").split())
    return f"layer {index + 1}" + (f" ({said[:100]})" if said else "")


def read_picture(folder: Path) -> Picture:
    """The only image of a layout."""
    index = json.loads((folder / "index.json").read_text())
    digest = str(index["manifests"][0]["digest"])
    manifest = json.loads(_blob(folder, digest).read_text())
    config = json.loads(_blob(folder, manifest["config"]["digest"]).read_text())
    return Picture(folder, digest, config, tuple(str(layer["digest"]) for layer in manifest["layers"]))


def _blob(folder: Path, digest: str) -> Path:
    return folder / "blobs" / Path(*digest.split(":"))


def differences(
    name: str, first: Picture, second: Picture, told: set[tuple[str, str]] | None = None
) -> Iterator[Difference]:
    """What differs between two builds of an image: its layers from the bottom, then its configuration.

    `told`: pairs of layers that another image, its parent, has been found with; they are named once and added here.
    """
    if first.digest == second.digest:
        return
    told = set() if told is None else told
    found = len(first.layers) != len(second.layers)
    if found:
        yield Difference(name, "", "", f"{len(first.layers)} layers against {len(second.layers)}")
    for index, pair in enumerate(zip(first.layers, second.layers, strict=False)):
        if pair[0] == pair[1]:
            continue
        found = True
        if pair in told:
            yield Difference(name, first.layer_name(index), "", "differs as in its parent")
            continue
        told.add(pair)
        path, what, files = compare(first.blob(pair[0]), second.blob(pair[1]))
        yield Difference(name, first.layer_name(index), path, what, files)
    # What the configuration says of the layers' digests follows from them.
    for what in _unlike(_own(first.config), _own(second.config), ""):
        found = True
        yield Difference(name, "configuration", "", what)
    if not found:
        yield Difference(name, "manifest", "", f"{first.digest} against {second.digest}, of equal layers and settings")


def _own(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key != "rootfs"}


def _unlike(first: object, second: object, at: str) -> Iterator[str]:
    """`config.Labels.x: 1 against 2` for each value that differs."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in sorted({*first, *second}):
            yield from _unlike(first.get(key), second.get(key), f"{at}.{key}" if at else str(key))
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for index, pair in enumerate(zip(first, second, strict=True)):
            yield from _unlike(*pair, f"{at}[{index}]")
    elif first != second:
        yield f"{at}: {json.dumps(first)[:100]} against {json.dumps(second)[:100]}"
