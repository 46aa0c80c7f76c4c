"""The whole answer: every resource and every port of every machine that is asked about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from system_digital_twin.core import reasons
from system_digital_twin.core.needs import Placed, Resource, on
from system_digital_twin.core.ports import Conflict, conflicts, untold
from system_digital_twin.core.room import Reserve, Rooms
from system_digital_twin.core.weigh import Row, Verdict, weigh


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    found = set(verdicts)
    return next((one for one in (Verdict.NO, Verdict.UNKNOWN) if one in found), Verdict.YES)


@dataclass(frozen=True)
class MachineAnswer:
    machine: str
    rows: tuple[Row, ...]
    conflicts: tuple[Conflict, ...]
    untold: str  # who takes ports that nobody told

    @property
    def verdict(self) -> Verdict:
        return Verdict.NO if self.conflicts else worst(row.verdict for row in self.rows if row.hard)

    @property
    def breaks(self) -> list[str]:
        rows = [row.why for row in self.rows if row.hard and row.verdict is Verdict.NO]
        return rows + [one.why for one in self.conflicts]

    @property
    def unknowns(self) -> list[str]:
        return [row.why for row in self.rows if row.hard and row.verdict is Verdict.UNKNOWN]

    @property
    def warnings(self) -> list[str]:
        found = [row.why for row in self.rows if not row.hard and row.verdict is not Verdict.YES]
        return [*found, f"ports on {self.machine}: nobody said which {self.untold} claims"] if self.untold else found


@dataclass(frozen=True)
class Answer:
    machines: tuple[MachineAnswer, ...]

    @property
    def verdict(self) -> Verdict:
        return worst(one.verdict for one in self.machines)


@dataclass(frozen=True)
class World:
    """What a question is judged against."""

    before: Placed
    rooms: Mapping[str, Rooms]
    reserve: Reserve


def judge_machine(machine: str, world: World, after: Placed) -> MachineAnswer:
    old, new = on(world.before, machine), on(after, machine)
    rooms, reserve = world.rooms[machine], world.reserve
    return MachineAnswer(
        machine,
        tuple(weigh(machine, one, rooms[one], old, new, reserve[one]) for one in Resource),
        conflicts(machine, new),
        reasons.names(untold(new)),
    )


def judge(machines: Iterable[str], world: World, after: Placed) -> Answer:
    return Answer(tuple(judge_machine(machine, world, after) for machine in sorted(set(machines))))
