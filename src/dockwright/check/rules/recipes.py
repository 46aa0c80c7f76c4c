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
    (r"^(USER|.*;\s*USER)\s+root\s*$", "expected the number 0:0, so that the user is known without /etc/passwd"),
)

FROM = re.compile(r"FROM\s+(--\S+\s+)*(?P<base>\S+)(\s+AS\s+(?P<stage>\S+))?", re.IGNORECASE)
# What every build is given, and the empty file system; all else is named by an earlier stage or by its digest.
GIVEN = ("parent", "root", "build", "scratch")

Instructions = list[tuple[int, str]]


def find(facts: Facts) -> Iterator[Finding]:
    paths = [*(facts.folder / "families").glob("*/Dockerfile"), *(facts.folder / "services").glob("*/Dockerfile")]
    for path in sorted([*paths, facts.folder / "services" / "Dockerfile"]):
        if path.is_file():
            instructions = [*_instructions(path.read_text(encoding="utf-8", errors="replace"))]
            for line, name, says in (*_bases(instructions), *_wrong(instructions), *_user(instructions)):
                yield Finding("recipes", "error", name, facts.shown(path), line, says)


def _bases(instructions: Instructions) -> Iterator[tuple[int, str, str]]:
    known = [*GIVEN]
    for line, instruction in instructions:
        start = FROM.match(instruction)
        if start and start["base"] not in known and "@sha256:" not in start["base"]:
            expected = f"expected {', '.join(GIVEN)}, an earlier stage, or a digest"
            yield line, "FROM", f"starts from {start['base']}; {expected}"
        if start and start["stage"]:
            known.append(start["stage"])


def _wrong(instructions: Instructions) -> Iterator[tuple[int, str, str]]:
    for line, instruction in instructions:
        found = (says for pattern, says in WRONG if re.search(pattern, instruction))
        yield from ((line, instruction.split()[0], says) for says in found)


def _user(instructions: Instructions) -> Iterator[tuple[int, str, str]]:
    users = [(line, said.removeprefix("USER ").strip()) for line, said in instructions if said.startswith("USER ")]
    if users and users[-1][1] != "10001:10001":
        line, user = users[-1]
        yield line, "USER", f"ends as user {user}; expected 10001:10001 (appuser)"


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
