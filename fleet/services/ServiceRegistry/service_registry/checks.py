"""Whether what somebody registers may be believed, kept and shown to others. Pure; ValueError says what is wrong."""

from __future__ import annotations

import ipaddress
import json
import re
import unicodedata
from typing import Any
from urllib.parse import urlsplit

URL_CHARACTERS = re.compile(r"[!-~]+")  # visible ASCII
LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){LABEL}(?:\.{LABEL})*\.?")
METADATA_BYTES = 2048
METADATA_DEPTH = 4
METADATA_KEY = 64


def url(value: str) -> str:
    """An address that others can call: http or https, a host that means something to them, a port that exists."""
    if not URL_CHARACTERS.fullmatch(value) or "\\" in value:
        raise ValueError("only visible ASCII characters are allowed, and no backslash")
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https"):
        raise ValueError("the scheme must be http or https")
    if "@" in parts.netloc:
        raise ValueError("a user or a password does not belong here: everybody can read it")
    if "?" in value or "#" in value:
        raise ValueError("a query or a fragment does not belong here")
    _port(parts.netloc, parts.port)
    _host(parts.hostname or "", "[" in parts.netloc)
    return value


def _port(netloc: str, port: int | None) -> None:  # urlsplit itself refuses those above 65535
    if port == 0 or netloc.endswith(":"):
        raise ValueError("the port must be from 1 to 65535")


def _host(host: str, bracketed: bool) -> None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if bracketed or not HOST_NAME.fullmatch(host) or host.rstrip(".").rpartition(".")[2].isdecimal():
            raise ValueError("the host is neither a name nor an address") from None
        return
    if address.is_unspecified or address.is_multicast:
        raise ValueError(f"nobody can be reached at {host}")


def metadata(value: dict[str, Any]) -> dict[str, Any]:
    _plain(value, METADATA_DEPTH)
    if len(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()) > METADATA_BYTES:
        raise ValueError(f"it must not be longer than {METADATA_BYTES} bytes as JSON")
    return value


def _plain(value: object, depth: int) -> None:
    match value:
        case dict() | list() if depth == 0:
            raise ValueError(f"it must not be nested deeper than {METADATA_DEPTH}")
        case dict():
            for key, inner in value.items():
                if not 1 <= len(key) <= METADATA_KEY:
                    raise ValueError(f"keys have 1 to {METADATA_KEY} characters")
                _text(key)
                _plain(inner, depth - 1)
        case list():
            for inner in value:
                _plain(inner, depth - 1)
        case str():
            _text(value)


def _text(value: str) -> None:
    if any(unicodedata.category(one) == "Cc" for one in value):
        raise ValueError("control characters are not allowed")
