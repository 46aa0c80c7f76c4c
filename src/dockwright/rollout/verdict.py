"""What the answers of one starting instance mean. Pure: answers go in with their times, a verdict comes out.

Told apart are: booting (inside its deadline), slow (past its deadline, and still getting somewhere: it has outgrown
what it needed before), hung (past its deadline and doing nothing), crashed, and fallen (it was healthy and is not).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

# How long an instance must be healthy without a break, in seconds.
HOLD = 5.0
# An instance that does nothing for so long after its deadline hangs.
IDLE = 10.0
# One that gets somewhere may outgrow its deadline, by this factor at most.
OUTGROWN = 6.0
# Once healthy, an instance may miss answers for so long (a garbage collection, a busy machine).
LAPSE = 6.0
# One that goes up and down for so long after its first healthy answer does not hold.
RESTLESS = 60.0


class Verdict(Enum):
    """What an instance's answers mean so far."""

    BOOTING = "booting"
    SLOW = "slow"
    HOLDING = "holding"
    HEALTHY = "healthy"
    CRASHED = "crashed"
    HUNG = "never got healthy"
    OUTGREW = "outgrew its deadline"
    FELL = "fell"
    LOST = "out of reach"

    @property
    def failed(self) -> bool:
        return self in (Verdict.CRASHED, Verdict.HUNG, Verdict.OUTGREW, Verdict.FELL, Verdict.LOST)

    @property
    def settled(self) -> bool:
        return self.failed or self is Verdict.HEALTHY


@dataclass(frozen=True)
class Answer:
    """One look at an instance, `at` seconds after its start.

    `alive`: its container runs, and is the one that was started. `work` grows while it gets somewhere: CPU time and
    bytes logged. `reason` says why it is not well. `ok_after`: seconds from its start to its first healthy answer to
    anybody, where somebody has noted that.
    """

    at: float
    alive: bool
    ok: bool
    work: int
    reason: str = ""
    ok_after: float | None = None


@dataclass(frozen=True)
class Course:
    """What has been seen of a start. `first_ok`: seconds from the start to its first healthy answer.

    `was_well`: it was healthy before, and is looked at for whether it still is; how it started is not judged again.
    """

    deadline: float
    was_well: bool = False
    verdict: Verdict = Verdict.BOOTING
    reason: str = ""
    first_ok: float | None = None
    ok_since: float | None = None
    bad_since: float | None = None
    work: int = 0
    worked_at: float = 0.0

    def take(self, answer: Answer, hold: float = HOLD) -> Course:
        """The course after one more answer. A settled course stays as it is."""
        if self.verdict.settled:
            return self
        moved = answer.work != self.work
        begins = self.first_ok is None and answer.alive and (answer.ok or self.was_well)
        earliest = answer.at if answer.ok_after is None else min(answer.at, max(0.0, answer.ok_after))
        seen = replace(
            self,
            reason=answer.reason,
            work=answer.work,
            worked_at=answer.at if moved else self.worked_at,
            first_ok=earliest if begins else self.first_ok,
        )
        if not answer.alive:
            return replace(seen, verdict=Verdict.CRASHED)
        return seen._well(answer.at, hold) if answer.ok else seen._ill(answer.at)

    def _well(self, at: float, hold: float) -> Course:
        since = at if self.ok_since is None else self.ok_since
        restless = at - (self.first_ok or 0.0) >= hold + RESTLESS
        verdict = Verdict.HEALTHY if at - since >= hold else Verdict.FELL if restless else Verdict.HOLDING
        return replace(self, ok_since=since, bad_since=None, verdict=verdict)

    def _ill(self, at: float) -> Course:
        if self.first_ok is not None:
            since = at if self.bad_since is None else self.bad_since
            broken = at - since >= LAPSE or at - self.first_ok >= RESTLESS
            verdict = Verdict.FELL if broken else Verdict.HOLDING
            return replace(self, ok_since=None, bad_since=since, verdict=verdict)
        if at < self.deadline:
            return replace(self, verdict=Verdict.BOOTING)
        if at - self.worked_at >= IDLE:
            return replace(self, verdict=Verdict.HUNG)
        late = at >= self.deadline * OUTGROWN
        return replace(self, verdict=Verdict.OUTGREW if late else Verdict.SLOW)
