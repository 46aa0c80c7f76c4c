"""What a machine's supervisor has brought by itself since the last rollout: its word goes over desired.json's.

It is asked only where it was told to follow. Where it does not answer, what was rolled out counts.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any

from dockwright.rollout.healer import PATIENCE, SERVICE

BYTES = 2**20


def over(desired: Mapping[str, Any], host: str) -> Mapping[str, Any]:
    """What is desired on a machine, with the images that its supervisor, reached at `host`, has brought."""
    ports = [int(row["port"]) for row in desired["instances"] if row["service"] == SERVICE]
    return brought(desired, _ask(host, ports[0])) if desired.get("follow") and ports else desired


def brought(desired: Mapping[str, Any], said: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same, from what the supervisor says. Pure."""
    images = said.get("images")
    if not isinstance(images, Mapping):
        return desired
    tag = str(said.get("release") or "")
    rows = [
        {**row, "image_digest": str(images[row["service"]]), "tag": tag or row["tag"]}
        if row["service"] in images
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
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()
    return found if isinstance(found, Mapping) else {}
