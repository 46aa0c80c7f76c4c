"""Dockerfiles install only the delta, with hashes and caches that work, and probe an address that is served."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockwright.check.facts import Facts
from dockwright.spec.finding import Finding

# Each pattern is looked for in one whole instruction, comments left out.
WRONG = (
    (
        r"COPY\b.*--from=.*site-packages",
        "copies every package of the parent once more; install only what the parent lacks",
    ),
    (r"--mount=type=cache.*--no-cache-dir", "--no-cache-dir defeats the cache mount beside it"),
    (r"\bpip3? install\b(?!.*--require-hashes)", "installs without --require-hashes"),
    (r"HEALTHCHECK.*\blocalhost\b", "localhost may mean ::1, where nothing listens; expected 127.0.0.1"),
    (r"\bchown -R\b", "chown -R stores every file of the layers below once more; expected COPY --chown"),
    (
        r"^FROM\s+(?!scratch)[^\s$]*[./:][^\s@]*(\s|$)",
        "starts from an image by tag; expected a named context, or a digest",
    ),
    (r"^(USER|.*;\s*USER)\s+root\s*$", "expected the number 0:0, so that the user is known without /etc/passwd"),
)


def find(facts: Facts) -> Iterator[Finding]:
    paths = [*(facts.folder / "families").glob("*/Dockerfile"), *(facts.folder / "services").glob("*/Dockerfile")]
    for path in sorted([*paths, facts.folder / "services" / "Dockerfile"]):
        if not path.is_file():
            continue
        users = []
        for line, instruction in _instructions(path.read_text(encoding="utf-8", errors="replace")):
            if instruction.startswith("USER "):
                users.append((line, instruction.removeprefix("USER ").strip()))
            for pattern, says in WRONG:
                if re.search(pattern, instruction):
                    yield Finding("recipes", "error", instruction.split()[0], facts.shown(path), line, says)
        if users and users[-1][1] != "10001:10001":
            says = f"ends as user {users[-1][1]}; expected 10001:10001 (appuser)"
            yield Finding("recipes", "error", "USER", facts.shown(path), users[-1][0], says)


def _instructions(text: str) -> Iterator[tuple[int, str]]:
    """Each instruction on one line, with the line on which it begins."""
    begun, parts = 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or (not parts and not line.strip()):
            continue
        begun = begun or number
        parts.append(line.rstrip().removesuffix("\\").strip())
        if not line.rstrip().endswith("\\"):
            yield begun, " ".join(parts)
            begun, parts = 0, []
