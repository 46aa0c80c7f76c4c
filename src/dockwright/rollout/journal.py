"""What deploys did: one line of JSON an event, written before the event's work, and who did what with which end."""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dockwright.engine.state import state_dir

ENDS = ("done", "taken back", "stopped")


@dataclass(frozen=True)
class Last:
    """The last deploy to a machine. `back_to`: what it was to go back to there; `end`: empty where it was cut off."""

    release: str
    back_to: str
    end: str

    @property
    def open(self) -> bool:
        """Whether it has no end that holds."""
        return self.end not in ("done", "taken back")


@dataclass(frozen=True)
class Journal:
    """The file of all deploys from this host; each line names the deploy that it belongs to."""

    path: Path

    def begin(self, verb: str, release: str, why: str, facts: Mapping[str, object]) -> str:
        """Note a deploy before anything is done; returns its number."""
        number = str(len({entry["deploy"] for entry in self.entries()}) + 1)
        self.note(number, "begin", verb=verb, release=release, why=why, who=who(), **facts)
        return number

    def note(self, deploy: str, event: str, **facts: object) -> None:
        """Append an event and see it on the disk before going on."""
        entry = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "deploy": deploy, "event": event, **facts}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def entries(self) -> list[dict[str, Any]]:
        """Every event, the oldest first. A line that was cut off by a crash is left out: its work was not begun."""
        found = []
        lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines() if self.path.is_file() else []
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and {"deploy", "event", "at"} <= entry.keys():
                found.append(entry)
        return found

    def unfinished(self) -> dict[str, Any] | None:
        """The beginning of the last deploy, when that has no end, or stopped where even taking back failed."""
        entries = self.entries()
        if not entries:
            return None
        last = entries[-1]["deploy"]
        ours = [entry for entry in entries if entry["deploy"] == last]
        return ours[0] if ours[-1]["event"] not in ("done", "taken back") else None

    def unproven(self) -> set[str]:
        """The instances that a deploy has touched last which has no end that holds."""
        entries = self.entries()
        good = {one["deploy"] for one in entries if one["event"] in ENDS[:2]}
        touched = {name: one["deploy"] for one in entries if one["event"] == "touch" for name in one["instances"]}
        return {name for name, deploy in touched.items() if deploy not in good}

    def last(self, machine: str) -> Last | None:
        """The last deploy to a machine; None where nothing was deployed there."""
        entries = self.entries()
        ours = (one for one in reversed(entries) if one["event"] == "begin" and machine in one.get("machines", ()))
        begun = next(ours, None)
        if begun is None:
            return None
        ends = [one["event"] for one in entries if one["deploy"] == begun["deploy"] and one["event"] in ENDS]
        back = begun.get("back_to")
        back_to = str(back.get(machine, "")) if isinstance(back, dict) else ""
        return Last(str(begun["release"]), back_to, ends[-1] if ends else "")


def here() -> Journal:
    """The journal of this host."""
    return Journal(state_dir() / "rollout" / "journal.jsonl")


def who() -> str:
    """The person at this host."""
    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"
