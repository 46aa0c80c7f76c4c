"""Which package index is asked: the one that this host is configured with, for uv or for pip."""

from __future__ import annotations

import configparser
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

PIP_FILES = ("/etc/pip.conf", "~/.config/pip/pip.conf", "~/.pip/pip.conf")
UV_FILES = ("/etc/uv/uv.toml", "~/.config/uv/uv.toml")
UV_NAMES = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_NO_INDEX", "UV_FIND_LINKS")


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What uv must be told so that it asks the host's own index: nothing where uv itself is configured.

    Addresses may hold credentials: they go into a process's environment, never into a file or a message. An index
    on this host's disk is left out: a build could not reach it.
    """
    if any(environ.get(name) for name in UV_NAMES) or _uv_has_index(environ):
        return {}
    settings = _pip(environ)
    names = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX"}
    found = {names[key]: _reachable(value) for key, value in settings.items()}
    return {key: value for key, value in found.items() if value}


def _pip(environ: Mapping[str, str]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for name in (*PIP_FILES, environ.get("PIP_CONFIG_FILE", "")):
        reader = configparser.RawConfigParser()
        try:
            reader.read(Path(name).expanduser() if name else ())
        except (configparser.Error, UnicodeDecodeError):
            continue  # The host's pip would refuse this file too; it decides nothing here.
        for key in ("index-url", "extra-index-url"):
            if reader.has_option("global", key):
                settings[key] = reader.get("global", key)
    named = {key: environ.get(f"PIP_{key.upper().replace('-', '_')}", "") for key in ("index-url", "extra-index-url")}
    return settings | {key: value for key, value in named.items() if value}


def _uv_has_index(environ: Mapping[str, str]) -> bool:
    for name in (*UV_FILES, environ.get("UV_CONFIG_FILE", "")):
        try:
            said = tomllib.loads(Path(name).expanduser().read_text()) if name else {}
        except (OSError, ValueError):
            continue  # uv itself says what is wrong with its file.
        if {"index", "index-url", "extra-index-url", "no-index", "find-links"} & {*said, *said.get("pip", {})}:
            return True
    return False


def _reachable(value: str) -> str:
    return " ".join(word for word in value.split() if not word.startswith(("file:", "/")))
