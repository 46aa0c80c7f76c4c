"""What a machine's supervisor has brought by itself since the last rollout: its word goes over desired.json's.

It is asked only where it was told to follow. Where it does not answer, what was rolled out counts.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dockwright.release.record import NAME
from dockwright.rollout.healer import PATIENCE, SERVICE

BYTES = 2**20
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Brought:
    """`release`: the one that was brought, empty for none. `images`: service -> digest, where it is not what was rolled
    out. `trying`: whether some of it is only being tried, or taken back.
    """

    release: str
    images: Mapping[str, str]
    trying: bool = False


def ask(desired: Mapping[str, Any], host: str) -> Brought | None:
    """What the supervisor, reached at `host`, says; None where it follows nothing or does not say."""
    ports = [int(row["port"]) for row in desired["instances"] if row["service"] == SERVICE]
    return read(_ask(host, ports[0])) if desired.get("follow") and ports else None


def read(said: Mapping[str, Any]) -> Brought | None:
    """Pure. None for what no supervisor says: whoever answers there, its words become names of files and images."""
    images, release = said.get("images"), str(said.get("release") or "")
    if not isinstance(images, Mapping) or not all(DIGEST.fullmatch(str(one)) for one in images.values()):
        return None
    if release and not NAME.fullmatch(release):
        return None
    return Brought(release, {str(name): str(one) for name, one in images.items()}, said.get("attempt") is not None)


def over(desired: Mapping[str, Any], brought: Brought | None) -> Mapping[str, Any]:
    """What is desired on a machine, with the images that its supervisor has brought. Pure."""
    if brought is None:
        return desired
    rows = [
        {**row, "image_digest": brought.images[row["service"]], "tag": brought.release or row["tag"]}
        if row["service"] in brought.images
        else row
        for row in desired["instances"]
    ]
    return {**desired, "instances": rows}


def _ask(host: str, port: int) -> Mapping[str, Any]:
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    try:
        connection.request("GET", "/v1/follow", headers={"Connection": "close"})
        answer = connection.getresponse()
        found = json.loads(answer.read(BYTES)) if answer.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return {}
    finally:
        connection.close()
    return found if isinstance(found, Mapping) else {}
