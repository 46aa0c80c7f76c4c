"""requirements.in, line by line: names, versions, extras and markers, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from dockwright.spec.document import text_of
from dockwright.spec.finding import Finding, SpecError


@dataclass(frozen=True)
class Asked:
    """A requirement and where it stands."""

    requirement: Requirement
    file: str
    line: int

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)


def read(root: Path, files: Iterable[Path]) -> list[Asked]:
    """Every requirement of some files (paths below `root`). Raises SpecError with every line that is none."""
    asked: list[Asked] = []
    wrong: list[Finding] = []
    for file in files:
        for number, line in enumerate(text_of(root / file, str(file)).splitlines(), 1):
            text = re.sub(r"(^|\s)#.*$", "", line).strip()
            if not text:
                continue
            found = parsed(text)
            if isinstance(found, Requirement):
                asked.append(Asked(found, str(file), number))
            else:
                wrong.append(Finding("lock-requirements", "error", text[:60], str(file), number, found))
    if wrong:
        raise SpecError(wrong)
    return asked


def parsed(text: str) -> Requirement | str:
    """A requirement, or what is wrong with the text."""
    if text.startswith("-"):
        return "is an option; expected a requirement such as numpy>=1.26 (a parent's requirements count by themselves)"
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        return f"is no requirement such as numpy>=1.26: {str(error).splitlines()[0]}"
    return "names an address; expected a version, from the package index" if requirement.url else requirement


def applies(requirement: Requirement, markers: Mapping[str, str], extra: str = "") -> bool:
    """Whether a requirement counts in an environment, for a package that was asked for with `extra`.

    A marker that cannot be evaluated counts: better asked for once too often than left out.
    """
    try:
        return requirement.marker is None or requirement.marker.evaluate({**markers, "extra": extra})
    except ValueError:
        return True


def bare(requirement: Requirement) -> str:
    """A requirement without its marker, as short as it can be written: numpy>=1.26."""
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}{requirement.specifier}"
