"""Cases of `dockwright check`: a small good fleet, edits that break it, and the findings that must follow.

A case is a TOML file in tests/cases/check:
  rule      the rule it is about
  [[edit]]  file, old (must be there exactly as written) and new; or `hex`, new bytes that are no text
  remove    files or folders
  expected  all findings of that rule, as `severity file:line: path: message`
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dockwright.check.frozen import Blueprint, digest, render, rows_of, sections
from dockwright.check.run import Report, check
from dockwright.spec.load import load_fleet

CASES = Path(__file__).parents[1] / "cases" / "check"
TODAY = date(2026, 11, 24)
TEXT = "A blueprint of two sections.\nA. The first, the second\nB. Another\n"


@dataclass(frozen=True)
class Edit:
    """Replace `old` in a file of the fleet by `new`."""

    file: str
    old: str
    new: bytes


def good_fleet(folder: Path) -> Path:
    """A copy of the good fleet, signed off as it stands; returns its fleet folder."""
    fleet = folder / "fleet"
    shutil.copytree(CASES / "fleet", fleet, ignore=shutil.ignore_patterns("__pycache__"))
    (fleet / "blueprint.txt").write_text(TEXT)
    signed = {name: digest(text) for name, text in sections(TEXT).items()}
    (fleet / "blueprint.lock").write_text(render(Blueprint("2026-01-01", signed, rows_of(load_fleet(fleet)))))
    return fleet


def broken_fleet(folder: Path, edits: Iterable[Edit], remove: Iterable[str] = ()) -> Path:
    """A copy of the good fleet with edits applied."""
    fleet = good_fleet(folder)
    for edit in edits:
        path = fleet / edit.file
        data, old = path.read_bytes(), edit.old.encode()
        assert old in data, f"{edit.file} has no {edit.old!r}"
        path.write_bytes(data.replace(old, edit.new, 1))
    for name in remove:
        path = fleet / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return fleet


def told(report: Report, rule: str) -> list[str]:
    """The findings of one rule, as cases write them."""
    return [f"{finding.severity} {finding}" for finding in report.findings if finding.rule == rule]


def look(fleet: Path, today: date = TODAY) -> Report:
    """What `dockwright check` finds in a fleet folder, on the day of the cases unless another is given."""
    return check(fleet, today)
