"""What images stand on, as `build`, `up` and `verify` tell it: what is not as locked, and what could not be made."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from dockwright.build.packages import Packages
from dockwright.build.planning import Planned


def as_json(planned: Planned) -> dict[str, object]:
    """The same for programs."""
    return {
        "not_as_locked": {of.name: list(of.differences) for of in planned.unlocked},
        "not_built": [{"name": name, "why": str(error)} for name, error in planned.unmade.items()],
    }


def tell(planned: Planned) -> int:
    """Say it on standard error; the exit code that follows from it."""
    for line in unlocked(planned.unlocked):
        print(line, file=sys.stderr)
    errors = {id(error): error for error in planned.unmade.values()}
    for error in errors.values():
        names = ", ".join(name for name, each in planned.unmade.items() if each is error)
        print(f"dockwright: {names}: not built: {error}", file=sys.stderr)
        print("".join(f"  | {line}\n" for line in output(error)), end="", file=sys.stderr)
        if error.remedy:
            print(f"  -> {error.remedy}", file=sys.stderr)
    return max((error.exit_code for error in errors.values()), default=0)


def unlocked(found: Iterable[Packages]) -> list[str]:
    """One line for each lock that could not be kept to, and what to do."""
    lines = [f"{of}" for of in found]
    return [*lines, "  -> ./dockwright lock records what the archive has now"] if lines else []


def output(error: Exception) -> list[str]:
    """The last lines of the program that failed."""
    return str(getattr(error, "output", "")).splitlines()[-12:]
