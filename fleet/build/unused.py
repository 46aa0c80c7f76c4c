"""Which files of a wheel no service uses: what unused.txt names, but no tests that the wheel's own modules import."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

# Only these folders are searched for imports: of what else goes, unused.txt says why nobody misses it.
TESTS = ("tests", "test")
MENTIONED = re.compile(rb"^[ \t]*(?:from|import)\b.*\btests?\b", re.MULTILINE)
# lazy_loader reads stubs at run time to learn what a package exports.
READS_STUBS = b"attach_stub"


def patterns(path: Path) -> list[str]:
    """The lines of unused.txt."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def unused(names: Iterable[str], wanted: Iterable[str], read: Callable[[str], bytes]) -> set[str]:
    """Those of a wheel's files that go. `read`: what a file holds."""
    listed = list(names)
    going = {name for name in listed if _goes(name, wanted)}
    sources = {name: read(name) for name in listed if name.endswith(".py")}
    if any(READS_STUBS in text for text in sources.values()):
        going = {name for name in going if not name.endswith(".pyi")}
    needed: set[str] = set()
    while True:
        kept = {part for name, text in sources.items() if name not in going for part in _imported(name, text)}
        if kept <= needed:
            return going
        needed |= kept  # Tests that stay may import others.
        going = {name for name in going if needed.isdisjoint(_packages(name))}


def _goes(name: str, wanted: Iterable[str]) -> bool:
    decided = False
    for pattern in wanted:
        if fnmatchcase(name, pattern.removeprefix("!")):
            decided = not pattern.startswith("!")
    return decided


def _packages(name: str) -> Iterator[str]:
    """The packages of tests that a file lies in: `numpy.lib.tests` for numpy/lib/tests/data/a.npy."""
    parts = PurePosixPath(name).parts[:-1]
    for number, part in enumerate(parts, 1):
        if part in TESTS:
            yield ".".join(parts[:number])


def _imported(name: str, text: bytes) -> Iterator[str]:
    """The packages of tests that a module imports, wherever in it."""
    if not MENTIONED.search(text):
        return
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return  # A template, or Python 2: nobody imports it.
    here = PurePosixPath(name).parts[:-1]
    for node in ast.walk(tree):
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1] if node.level else ()
            base = ".".join((*above, *filter(None, (node.module,))))
            found = [f"{base}.{alias.name}" for alias in node.names]
        for module in found:
            yield from _packages(module.replace(".", "/") + "/*")
