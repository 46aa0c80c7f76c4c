"""Which images may go, by age and number. Pure; it knows nothing of where they are kept.

Nothing that is protected ever goes, and nothing that somebody has given a name of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from dockwright.release import tags


@dataclass(frozen=True)
class Kept:
    """One image with all its tags. `group`: what it is one of, such as the images of one instance."""

    group: str
    digest: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """The newest `keep` of each group stay, and all that is of `since` or younger."""

    keep: int
    since: date | None = None


@dataclass(frozen=True)
class Order:
    """How old images are: by the day in their tag and, within a day, by when their commit was made."""

    commits: Mapping[str, int]
    """The first twelve digits of a commit -> when it was made."""

    def of(self, image: Kept) -> tuple[date, int, bool, str]:
        """The younger, the larger. An image that only its inputs name has no day, and is the oldest."""
        read = [found for tag in image.tags if (found := tags.read(tag))]
        newest = max(((one.day, self.commits.get(one.sha, 0), one.dirty) for one in read), default=(date.min, 0, False))
        return (*newest, image.digest)


def expired(images: Iterable[Kept], protected: Collection[str], rule: Rule, order: Order) -> list[Kept]:
    """The images that may go, the oldest first."""
    found = list(images)
    groups: dict[str, list[Kept]] = {}
    for image in found:
        groups.setdefault(image.group, []).append(image)
    stays = set(protected)
    for members in groups.values():
        # A digest counts once, however many entries it has.
        newest = dict.fromkeys(one.digest for one in sorted(members, key=order.of, reverse=True))
        stays |= set(list(newest)[: rule.keep])
    stays |= {one.digest for one in found if not all(tags.ours(tag) for tag in one.tags) or _young(one, rule, order)}
    return sorted((one for one in found if one.digest not in stays), key=order.of)


def _young(image: Kept, rule: Rule, order: Order) -> bool:
    """Whether an image is too young to go. One without a day may be of today."""
    day = order.of(image)[0]
    return rule.since is not None and (day >= rule.since or day == date.min)
