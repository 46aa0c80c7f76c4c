"""How many bytes go with things that share parts: a part goes with the last thing that holds it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

Parts = Mapping[str, int]


def freed(going: Sequence[Parts], staying: Iterable[Parts]) -> list[int]:
    """The bytes that each of `going` frees when they go one after the other, and `staying` does not."""
    holders = Counter(key for parts in going for key in parts)
    kept = {key for parts in staying for key in parts}
    found = []
    for parts in going:
        holders.subtract(parts.keys())
        found.append(sum(size for key, size in parts.items() if not holders[key] and key not in kept))
    return found
