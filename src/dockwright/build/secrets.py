"""What a build needs of the host's own configuration beside its certificates: its package index, its proxies.

They travel as build secrets and predefined build arguments, neither of which reaches a layer.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from pathlib import Path

PIP_FILES = ("/etc/pip.conf", "~/.config/pip/pip.conf", "~/.pip/pip.conf")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


def pip_configuration(environ: Mapping[str, str] = os.environ) -> str:
    """A pip.conf with the host's own package index, which may hold credentials; empty where it uses the default.

    Indexes on the host's disk are left out: a build cannot reach them.
    """
    settings: dict[str, str] = {}
    for name in (*PIP_FILES, environ.get("PIP_CONFIG_FILE", "")):
        reader = configparser.RawConfigParser()
        try:
            reader.read(Path(name).expanduser() if name else ())
        except (configparser.Error, UnicodeDecodeError):
            continue  # The host's pip would refuse this file too; it decides nothing here.
        if reader.has_section("global"):
            settings.update({key: reader.get("global", key) for key in INDEX_KEYS if reader.has_option("global", key)})
    settings.update(
        {key: environ[f"PIP_{key.upper().replace('-', '_')}"] for key in INDEX_KEYS if _named(environ, key)}
    )
    lines = [f"{key} = {_reachable(value)}" for key, value in settings.items() if _reachable(value)]
    return "\n".join(["[global]", *lines, ""]) if lines else ""


INDEX_KEYS = ("index-url", "extra-index-url", "trusted-host")


def _named(environ: Mapping[str, str], key: str) -> bool:
    return bool(environ.get(f"PIP_{key.upper().replace('-', '_')}"))


def _reachable(value: str) -> str:
    return " ".join(word for word in value.split() if not word.startswith(("file:", "/")))


def proxies(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The proxies that this host uses, as the build arguments that BuildKit predefines."""
    return {key: environ[key] for key in PROXIES if environ.get(key)}
