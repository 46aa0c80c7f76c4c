"""Each case of tests/cases/check: a broken fleet and the words that the user is told."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from check.case import CASES, Edit, broken_fleet, good_fleet, look, told

from dockwright.check.registry import all_rules

FILES = sorted(CASES.glob("*.toml"))


def edit(values: dict[str, str]) -> Edit:
    new = bytes.fromhex(values["hex"]) if "hex" in values else values["new"].encode()
    return Edit(values["file"], values["old"], new)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_case(path: Path, tmp_path: Path) -> None:
    case = tomllib.loads(path.read_text())
    fleet = broken_fleet(tmp_path, map(edit, case.get("edit", [])), case.get("remove", []))
    assert told(look(fleet), case["rule"]) == case["expected"]


def test_every_rule_has_a_case_that_it_objects_to() -> None:
    cases = [tomllib.loads(path.read_text()) for path in FILES]
    shown = {case["rule"] for case in cases if case["expected"]}
    assert {rule.name for rule in all_rules()} <= shown


def test_every_rule_says_what_it_demands() -> None:
    for rule in all_rules():
        assert rule.about.splitlines()[0].endswith("."), rule.name


def test_the_good_fleet_has_nothing_wrong(tmp_path: Path) -> None:
    report = look(good_fleet(tmp_path))
    assert {finding.rule for finding in report.findings} == {"not-implemented"}
    assert report.exit_code == 0


def test_findings_name_a_file_that_exists_and_a_line_in_it(tmp_path: Path) -> None:
    for number, path in enumerate(FILES):
        case = tomllib.loads(path.read_text())
        fleet = broken_fleet(tmp_path / str(number), map(edit, case.get("edit", [])), case.get("remove", []))
        for finding in look(fleet).findings:
            file = fleet.parent / finding.file
            assert 1 <= finding.line <= file.read_bytes().count(b"\n") + 1, f"{path.stem}: {finding}"
