"""What BuildKit says while it builds, in fewer words: each image as it is done, and the steps that take long."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from dockwright.build.bake import CONTENTS

LINE = re.compile(r"^#(?P<number>\d+) (?P<rest>.*)$")
ENDED = re.compile(r"^(?P<how>DONE|CACHED|ERROR)\b *(?P<seconds>[\d.]*)")
STEP = re.compile(r"^\[(?P<where>[^\]]+)\] (?P<what>.+)$")
# Steps of BuildKit's own that say nothing about the image.
PLUMBING = re.compile(r"\b(internal|context)\b")
MOUNTS = re.compile(r"--mount=\S+\s+")
EXPORT = "exporting to image"
# Quicker steps are not told.
LONG = 2.0
KEPT = 20


class Steps:
    """Follows the plain progress of a bake run. `images`: target -> the image's name."""

    def __init__(self, images: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._images = images
        # With a single target BuildKit leaves its name out, and the brackets around it too.
        self._only = next(iter(images.values())) if len(images) == 1 else ""
        self._say = say
        self._names: dict[str, str] = {}
        self._exports: dict[str, str] = {}
        self._wrote: dict[str, list[str]] = {}
        self._done = 0
        self.broken: list[str] = []
        """The failed step and the last lines that it wrote; empty while nothing failed."""

    def follow(self, line: str) -> None:
        """Take one line of BuildKit's output."""
        match = LINE.match(line)
        if not match:
            return
        number, rest = match["number"], match["rest"]
        ended, step = ENDED.match(rest), STEP.match(rest)
        if self._only and rest.startswith(EXPORT):
            self._exports[number] = self._only
        elif ended:
            self._end(number, rest, ended["how"], float(ended["seconds"] or 0))
        elif step and not PLUMBING.search(step["where"]):
            self._begin(number, step["where"], step["what"])
        else:
            self._wrote.setdefault(number, []).append(rest)

    def _begin(self, number: str, where: str, what: str) -> None:
        target, _, stage = where.partition(" ")
        image = self._images.get(target.removesuffix(CONTENTS), "")
        if not image and self._only:
            image, stage = self._only, where
        if what.startswith(EXPORT):
            self._exports[number] = image
        else:
            self._names[number] = f"{image} [{stage}] {MOUNTS.sub('', what)}"[:120]

    def _end(self, number: str, rest: str, how: str, seconds: float) -> None:
        if how == "ERROR" and not self.broken and "canceled" not in rest:
            # A step that wrote nothing failed before it began, and what BuildKit does for itself writes how far it got
            # only: BuildKit itself says why.
            wrote = self._wrote.get(number, [])
            why = wrote if wrote and number in self._names else [*wrote, rest]
            self.broken = [self._names.get(number, "a step"), *why[-KEPT:]]
        elif how == "DONE" and number in self._exports:
            self._done += 1
            self._say(f"  {self._done} of {len(self._images)} images: {self._exports.pop(number)}")
        elif how == "DONE" and number in self._names and seconds >= LONG:
            self._say(f"  {self._names.pop(number)}  {seconds:.1f} s")
