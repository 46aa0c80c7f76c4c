"""Releases for tests, written as few words; every digest follows from a word."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from dockwright.release.record import Contents, Record
from dockwright.release.shelf import Shelf

SHA = "59b51f84018bb1c7c1cdc27540fcfbff72a5bfb3"
OTHER_SHA = "10c6a203358c1c7c1cdc27540fcfbff72a5bfb3a"


def digest(word: str) -> str:
    return f"sha256:{hashlib.sha256(word.encode()).hexdigest()}"


def bill(**packages: str) -> bytes:
    """A bill of materials; `numpy="1.0"` is a Python package, `deb_curl="7"` a Debian one."""
    components = []
    for name, version in packages.items():
        kind, plain = ("deb", name[4:]) if name.startswith("deb_") else ("pypi", name)
        purl = f"pkg:{kind}/{'debian/' if kind == 'deb' else ''}{plain}@{version}"
        components.append({"name": plain, "version": version, "purl": purl})
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}
    return json.dumps(document, sort_keys=True).encode()


def picture(name: str, word: str) -> dict[str, Any]:
    return {
        "reference": f"registry.example/fleet/{name.lower().replace('/', '-')}:20261124-{SHA[:12]}",
        "digest": digest(f"image {name} {word}"),
        "input_digest": digest(f"inputs {name} {word}"),
        "git_sha": SHA,
    }


def contents(words: Mapping[str, str], bills: Mapping[str, bytes] | None = None, **more: Any) -> Contents:
    """`words`: instance -> a word that decides its image; `bills`: name -> its bill of materials."""
    said = {
        name: {
            **picture(name, word),
            "family": "base",
            "sbom": f"sha256:{hashlib.sha256((bills or {}).get(name, bill())).hexdigest()}",
            "profile": digest(f"profile {name.partition('/')[0]}"),
        }
        for name, word in words.items()
    }
    usual: dict[str, Any] = {
        "git_sha": SHA,
        "instances": said,
        "families": {"base": picture("base", "base")},
        "roots": {"debian-bookworm": digest("root")},
        "profiles": {name.partition("/")[0]: {"OMP_NUM_THREADS": 4} for name in words},
        "locks": {"fleet/families/base/requirements.lock": digest("lock")},
        "tickets": {"0019": {"title": "tags of families", "status": "decided"}},
        "left_out": {},
    }
    return Contents.model_validate({**usual, **more})


def record(name: str, made: Contents, minute: int = 0, sizes: Mapping[str, int] | None = None) -> Record:
    return Record(
        version=1,
        name=name,
        created=f"2026-11-24T10:{minute:02}:00+00:00",
        note="",
        digest=made.digest,
        contents=made,
        sizes=dict(sizes or {}),
    )


def shelve(shelf: Shelf, records: Iterable[Record], bills: Iterable[bytes] = (bill(),)) -> None:
    found = {f"sha256:{hashlib.sha256(data).hexdigest()}": data for data in bills}
    for one in records:
        shelf.add(one, found)
