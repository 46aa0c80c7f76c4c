"""A `docker` program in a temporary folder, which answers with what was recorded of a real engine.

It knows `ps`, `container inspect`, `logs` and `compose up`. Anything else ends with an error, so that a test sees it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

from dockwright.engine.docker import Docker

RECORDED = Path(__file__).parents[1] / "cases" / "rollout" / "bodies"
SCRIPT = r"""#!/bin/sh
cd "${0%/*}" || exit 1
case "$1" in
ps)
    case "$*" in *"--all"*"--no-trunc"*"--filter label=io.dockwright.fleet=dockwright"*) cat ids ;; *) exit 2 ;; esac ;;
container)
    shift 2
    printf '['
    for id; do
        if [ -f "$id.json" ]; then printf '%s' "$comma"; cat "$id.json"; comma=,
        else echo "Error response from daemon: No such container: $id" >&2; failed=1; fi
    done
    printf ']'
    exit ${failed:-0} ;;
logs)
    for name; do :; done
    if [ ! -f "$name.out" ]; then echo "Error response from daemon: No such container: $name" >&2; exit 1; fi
    echo "$*" >> words
    cat "$name.out"; cat "$name.err" >&2
    case "$*" in *--follow*) echo $$ > "$name.pid"; if [ ! -f "$name.ended" ]; then exec sleep 600; fi ;; esac ;;
compose)
    case "$*" in *" up --detach --remove-orphans") ;; *) echo "not recorded: $*" >&2; exit 2 ;; esac
    echo "$*" >> words
    cat compose.out
    for one in *.after; do if [ -f "$one" ]; then mv "$one" "${one%.after}"; fi; done
    exit "$(cat compose.status)" ;;
*) echo "not recorded: $*" >&2; exit 2 ;;
esac
"""


def container(name: str, **changes: Any) -> dict[str, Any]:
    """The recorded container of ServiceRegistry under another name; `changes` go over its State."""
    found: dict[str, Any] = deepcopy(json.loads((RECORDED / "service-registry.inspect.json").read_text()))
    found["Name"] = f"/{name}"
    found["Id"] = hashlib.sha256(name.encode()).hexdigest()
    found["State"] |= changes
    return found


class Recorded:
    """The program and its folder."""

    def __init__(self, folder: Path, containers: Iterable[dict[str, Any]] = ()) -> None:
        self.folder = folder / "engine"
        self.folder.mkdir()
        program = self.folder / "docker"
        program.write_text(SCRIPT)
        program.chmod(0o755)
        self.docker = Docker(program, "unix:///nonexistent/recorded.sock")
        self.show(containers)

    def show(self, containers: Iterable[dict[str, Any]], *, vanished: Iterable[str] = (), when: str = "") -> None:
        """What the engine has from now on; `vanished` are ids that are listed and then cannot be inspected."""
        ids = list(vanished)
        for found in containers:
            ids.append(found["Id"])
            (self.folder / f"{found['Id']}.json{when}").write_text(json.dumps(found))
        (self.folder / f"ids{when}").write_text("".join(f"{one}\n" for one in ids))

    def will_compose(self, out: str = "", status: int = 0, then: Iterable[dict[str, Any]] | None = None) -> None:
        """What the next `compose up` writes, how it ends, and which containers there are `then`."""
        (self.folder / "compose.out").write_text(out)
        (self.folder / "compose.status").write_text(str(status))
        if then is not None:
            self.show(then, when=".after")

    def wrote(self, name: str, out: str, err: str = "", *, ended: bool = False) -> None:
        """What a container has written so far; `ended` says that nothing more will come."""
        (self.folder / f"{name}.out").write_bytes(out.encode())
        (self.folder / f"{name}.err").write_bytes(err.encode())
        if ended:
            (self.folder / f"{name}.ended").touch()

    @property
    def words(self) -> list[str]:
        """The `docker logs` and `docker compose` commands that were given."""
        return (self.folder / "words").read_text().splitlines()
