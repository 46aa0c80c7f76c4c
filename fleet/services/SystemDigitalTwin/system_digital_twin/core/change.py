"""A change to what is placed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from system_digital_twin.core.needs import Key, Needs, Placed


@dataclass(frozen=True)
class Change:
    """`gone` is taken away, then `put` is placed; a key in `put` that is there already gets other needs."""

    gone: frozenset[Key] = frozenset()
    put: Mapping[Key, Needs] = field(default_factory=dict)

    @property
    def machines(self) -> set[str]:
        return {key.machine for key in (*self.gone, *self.put)}


def apply(placed: Placed, change: Change) -> dict[Key, Needs]:
    return {key: needs for key, needs in placed.items() if key not in change.gone} | dict(change.put)
