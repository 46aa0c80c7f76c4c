"""What a deploy needs done: the one seam between deciding (pure, tested against failures at every step) and doing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from dockwright.rollout.plan import Step
from dockwright.rollout.target import Target
from dockwright.rollout.verdict import Answer
from dockwright.spec.model import Instance

T = TypeVar("T")


class Hands(Protocol):
    """Everything may raise DockwrightError; Unreachable means that the machine may be asked again later."""

    def pull(self, machine: str, targets: Sequence[Target]) -> None:
        """Bring the targets' images onto their machine. Changes nothing that runs."""

    def put(self, machine: str, steps: Sequence[Step]) -> None:
        """Bring instances of one machine to their steps' targets. Doing it again goes on where it stopped."""

    def look(self, machine: str, targets: Sequence[Target]) -> Mapping[Instance, Answer]:
        """How instances of one machine do, seconds counted from each one's own start."""

    def evidence(self, instance: Instance, host: str) -> Sequence[str]:
        """The last lines that an instance wrote; none where nobody can tell. Raises nothing."""

    def state(self, instance: Instance, host: str) -> str:
        """What an instance is now, for a person: what it runs and how it is. Raises nothing."""

    def note(self, event: str, **facts: object) -> None:
        """Write down what is about to happen or has happened, before anything else is done."""

    def say(self, text: str) -> None:
        """Tell the user."""

    def clock(self) -> float:
        """Seconds of a clock that only goes forward."""

    def pause(self, seconds: float) -> None:
        """Wait."""

    def side_by_side(self, tasks: Sequence[Callable[[], T]]) -> Sequence[T]:
        """Do all of them, at once where that can be; their results in the same order. Raises what one raises."""
