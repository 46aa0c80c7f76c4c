"""Which smoke tests run on which image. A family's tests run on its descendants and their instances as well."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dockwright.build.images import FAMILIES
from dockwright.spec.model import Fleet

EVERY_IMAGE = Path("fleet/smoke/image")
EVERY_INSTANCE = Path("fleet/smoke/instance")
TESTS = "test_*.py"


@dataclass(frozen=True)
class Suite:
    """What runs in one image: every file that its tests may import (path -> text), and the paths that hold tests."""

    files: dict[str, str]
    tests: tuple[str, ...]


def folders(fleet: Fleet, family: str, *, instance: bool) -> tuple[Path, ...]:
    """Where the tests of an image lie that stands on `family`: the most general first, below the checkout."""
    own = (FAMILIES / above / "smoke" for above in fleet.lineage(family))
    return (EVERY_IMAGE, *own, *([EVERY_INSTANCE] if instance else []))


def suite(fleet: Fleet, root: Path, family: str, *, instance: bool) -> Suite:
    """The tests of an image, read from the checkout at `root`."""
    files: dict[str, str] = {}
    tests: list[str] = []
    for folder in folders(fleet, family, instance=instance):
        paths = sorted((root / folder).glob("*.py"))
        files |= {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in paths}
        tests += [str(path.relative_to(root)) for path in paths if path.match(TESTS)]
    return Suite(files, tuple(tests))
