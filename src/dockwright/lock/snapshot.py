"""When an archive was as it was, and the snapshot service that still has it so, where one answers."""

from __future__ import annotations

import os
import re
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

# Where the distributions keep what their archives were; $DOCKWRIGHT_SNAPSHOT names another place.
SERVICES = {
    "debian": "http://snapshot.debian.org/archive/@ARCHIVE@/@SNAPSHOTID@/",
    "ubuntu": "http://snapshot.ubuntu.com/@ARCHIVE@/@SNAPSHOTID@/",
}
# (what follows the suite's name, the archive that has it)
SUITES = {
    "debian": (("", "debian"), ("-updates", "debian"), ("-security", "debian-security")),
    "ubuntu": (("", "ubuntu"), ("-updates", "ubuntu"), ("-security", "ubuntu")),
}
COMPONENTS = {"debian": "main", "ubuntu": "main universe"}
# A service has a state some hours after its archive does, and for as long as the next one does not replace it.
LATER = (timedelta(hours=12), timedelta(0))


def dates(lists: Path) -> Iterable[tuple[str, str]]:
    for path in lists.glob("*InRelease"):
        fields = dict(line.split(": ", 1) for line in path.read_text(errors="replace").splitlines() if ": " in line)
        date = parsedate_to_datetime(fields["Date"]).astimezone(UTC)
        name = path.name.removesuffix("_InRelease").rpartition("_dists_")[2]
        yield name.replace("_", "/"), f"{date:%Y-%m-%dT%H:%M:%SZ}"


def identifier(lists: Path, environ: Mapping[str, str] = os.environ) -> str:
    """The id of a snapshot that holds these lists, where a snapshot service answers; else empty.

    The service is the one that the archive itself names (`Snapshots:` in its release file, as apt reads it), or
    `$DOCKWRIGHT_SNAPSHOT`: an address with @ARCHIVE@ (such as debian-security) and @SNAPSHOTID@ in it.
    """
    newest = max((date for _, date in dates(lists)), default="")
    named = [environ.get("DOCKWRIGHT_SNAPSHOT", "")]
    for path in sorted(lists.glob("*InRelease")):
        named += re.findall(r"^Snapshots: (\S+)$", path.read_text(errors="replace"), re.MULTILINE)
    made = re.sub(r"[-:]", "", newest)
    for template in dict.fromkeys(name for name in named if "@SNAPSHOTID@" in name and made):
        if _answers(template.replace("@SNAPSHOTID@", made).replace("@ARCHIVE@", "debian")):
            return made
    return ""


def moments(state: str) -> Iterator[str]:
    """When snapshots may hold an archive's state, which a lock's head tells of, best first."""
    newest = max(re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", state), default="")
    if newest:
        for later in LATER:
            yield f"{datetime.fromisoformat(newest) + later:%Y%m%dT%H%M%SZ}"


def sources(distribution: str, suite: str, moment: str, environ: Mapping[str, str] = os.environ) -> list[str]:
    """apt source lines for a suite as it was; none where no snapshot service answers for that moment."""
    template = environ.get("DOCKWRIGHT_SNAPSHOT") or SERVICES[distribution]
    lines: list[str] = []
    for ending, archive in SUITES[distribution]:
        url = template.replace("@ARCHIVE@", archive).replace("@SNAPSHOTID@", moment)
        if not lines and not _answers(url):
            return []
        # What is old is past its date. It is signed all the same, and each package is held against its lock.
        lines.append(f"deb [check-valid-until=no] {url} {suite}{ending} {COMPONENTS[distribution]}")
    return lines


def _answers(url: str) -> bool:
    if not url.startswith(("http://", "https://")):
        return False
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=10):  # noqa: S310 - http(s)
            return True
    except OSError:
        return False
