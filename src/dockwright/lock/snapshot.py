"""When an archive was as it was, and the snapshot service that still has it so, where one answers."""

from __future__ import annotations

import os
import re
import urllib.request
from collections.abc import Iterable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path


def dates(lists: Path) -> Iterable[tuple[str, str]]:
    for path in lists.glob("*InRelease"):
        fields = dict(line.split(": ", 1) for line in path.read_text(errors="replace").splitlines() if ": " in line)
        date = parsedate_to_datetime(fields["Date"]).astimezone(UTC)
        name = path.name.removesuffix("_InRelease").rpartition("_dists_")[2]
        yield name.replace("_", "/"), f"{date:%Y-%m-%dT%H:%M:%SZ}"


def identifier(lists: Path, environ: Mapping[str, str] = os.environ) -> str:
    """The id of a snapshot that holds these lists, where a snapshot service answers; else empty.

    The service is the one that the archive itself names (`Snapshots:` in its release file, as apt reads it), or
    `$DOCKWRIGHT_SNAPSHOT`: an address with @SNAPSHOTID@ in it.
    """
    newest = max((date for _, date in dates(lists)), default="")
    named = [environ.get("DOCKWRIGHT_SNAPSHOT", "")]
    for path in sorted(lists.glob("*InRelease")):
        named += re.findall(r"^Snapshots: (\S+)$", path.read_text(errors="replace"), re.MULTILINE)
    made = re.sub(r"[-:]", "", newest)
    for template in dict.fromkeys(name for name in named if "@SNAPSHOTID@" in name and made):
        if _answers(template.replace("@SNAPSHOTID@", made)):
            return made
    return ""


def _answers(url: str) -> bool:
    if not url.startswith(("http://", "https://")):
        return False
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=10):  # noqa: S310 - http(s)
            return True
    except OSError:
        return False
