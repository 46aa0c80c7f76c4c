"""What the supervisor has seen of one instance, gathered from the engine's words and from health answers."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Any

from self_healing_supervisor.core.facts import Facts, Health, Shape
from self_healing_supervisor.desired import Wanted
from self_healing_supervisor.probe import Reply

_SHAPES = {
    "created": Shape.CREATED,
    "running": Shape.RUNNING,
    "paused": Shape.PAUSED,
    "exited": Shape.ENDED,
    "dead": Shape.ENDED,
    "restarting": Shape.BUSY,
    "removing": Shape.BUSY,
}


def moment(text: object) -> float:
    """Seconds since the epoch of the engine's RFC 3339 time; 0.0 when it cannot be read."""
    head, _, fraction = str(text).removesuffix("Z").partition(".")
    try:
        return datetime.fromisoformat(f"{head}+00:00").timestamp() + float(f"0.{fraction or 0}")
    except ValueError:
        return 0.0


class Sight:
    """Mutable; `now` arguments are monotonic seconds, `wall` is seconds since the epoch."""

    def __init__(self, wanted: Wanted, now: float) -> None:
        self.wanted = wanted
        self.id = ""
        self.image = ""  # as the container was asked to have it
        self.networks: dict[str, str] = {}
        self.shape = Shape.ABSENT
        self.since = now
        self.seen = False
        self.signalled_at: float | None = None
        self.looked_at = 0.0  # wall clock of the engine's last word that was asked for
        self.run = ""
        self.exit_code: int | None = None
        self.oom_killed = False
        self.error = ""
        self.health = Health.UNKNOWN
        self.misses = 0
        self.has_answered = False  # well, in this run
        self.unwell_since: float | None = None
        self.answers: deque[Reply] = deque(maxlen=8)
        self.ask_at = now
        self.asking = False

    def inspected(self, found: dict[str, Any] | None, now: float, wall: float) -> None:
        """Takes the engine's word on the container of this name; None: there is none."""
        self.looked_at = wall
        if found is None:
            self.gone(now)
            return
        state = found.get("State") or {}
        started = str(state.get("StartedAt"))
        networks = (found.get("NetworkSettings") or {}).get("Networks") or {}
        self.id = str(found.get("Id", ""))
        self.image = str((found.get("Config") or {}).get("Image") or "")
        self.networks = {name: str(one["IPAddress"]) for name, one in networks.items() if (one or {}).get("IPAddress")}
        self.exit_code = state.get("ExitCode")
        self.oom_killed = bool(state.get("OOMKilled"))
        self.error = str(state.get("Error") or "")[:500]
        shape = _SHAPES.get(str(state.get("Status")), Shape.BUSY)
        run = f"{self.id[:12]}@{started}"
        if shape is Shape.RUNNING and run != self.run:
            self.run = run
            self._enter(shape, now - max(0.0, min(wall - moment(started), now)))
            self._unasked(now)
        elif shape is not self.shape:
            self._enter(shape, now)

    def gone(self, now: float) -> None:
        self.id, self.image, self.networks = "", "", {}
        if self.shape is not Shape.ABSENT:
            self._enter(Shape.ABSENT, now)

    def ended(self, exit_code: int | None, now: float) -> None:
        self.exit_code = exit_code
        if self.shape is not Shape.ENDED:
            self._enter(Shape.ENDED, now)

    def _enter(self, shape: Shape, since: float) -> None:
        self.shape, self.since = shape, since
        if shape is Shape.RUNNING:
            self.seen, self.signalled_at = True, None

    def _unasked(self, now: float) -> None:
        self.health, self.misses, self.unwell_since = Health.UNKNOWN, 0, None
        self.has_answered, self.ask_at = False, now

    def answered(self, reply: Reply, now: float) -> None:
        self.answers.append(reply)
        self.health = reply.health
        self.has_answered = self.has_answered or reply.health is Health.WELL
        self.misses = self.misses + 1 if reply.health is Health.SILENT else 0
        if reply.health is not Health.UNWELL:
            self.unwell_since = None
        elif self.unwell_since is None:
            self.unwell_since = now

    def address(self, own_networks: frozenset[str]) -> str:
        """The container's address on a network that we are on too; else any; else the one it is known under."""
        shared = [address for name, address in self.networks.items() if name in own_networks]
        return next(iter(shared or self.networks.values()), self.wanted.address)

    @property
    def digest(self) -> str:
        """Of its image, hexadecimal; empty where the container does not tell."""
        return self.image.rpartition("sha256:")[2] if "sha256:" in self.image else ""

    def facts(self, held: bool, boot_seconds: float, tried: bool = False) -> Facts:
        return Facts(
            held=held,
            tried=tried,
            shape=self.shape,
            since=self.since,
            seen=self.seen,
            signalled=self.signalled_at is not None,
            run=self.run,
            health=self.health,
            misses=self.misses,
            unwell_since=self.unwell_since,
            boot_seconds=boot_seconds,
            depends=self.wanted.depends,
        )
