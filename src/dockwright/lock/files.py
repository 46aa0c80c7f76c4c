"""The file that will be installed for each pin, with its size: read off uv's own view of the index (PEP 751)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from dockwright.lock.platform import Target


@dataclass(frozen=True)
class File:
    """A wheel or a source distribution in an index. `url` is for now only: it is never written to a lock."""

    name: str
    url: str
    sha256: str
    size: int


def chosen(pylock: str, target: Target) -> dict[str, File]:
    """Package -> the file that fits a target best: a wheel, or the source where there is none."""
    found: dict[str, File] = {}
    for package in tomllib.loads(pylock).get("packages", []):
        wheels = sorted(_ranked(package.get("wheels", []), target), key=lambda pair: (pair[0], pair[1].name))
        sources = [_file(package["sdist"])] if "sdist" in package else []
        best = [file for _, file in wheels] or sources
        if best:
            found[canonicalize_name(package["name"])] = best[0]
    return found


def _ranked(wheels: Iterable[Mapping[str, Any]], target: Target) -> Iterable[tuple[int, File]]:
    for wheel in wheels:
        file = _file(wheel)
        try:
            _, _, _, tags = parse_wheel_filename(file.name)
        except InvalidWheelFilename:
            continue
        ranks = [target.ranks[tag] for tag in tags if tag in target.ranks]
        if ranks:
            yield min(ranks), file


def _file(said: Mapping[str, Any]) -> File:
    url = str(said.get("url", said.get("path", "")))
    name = str(said.get("name") or unquote(urlsplit(url).path.rsplit("/", 1)[-1]))
    return File(name, url, f"sha256:{said.get('hashes', {}).get('sha256', '')}", int(said.get("size", 0)))
