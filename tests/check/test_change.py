"""`dockwright change`: the draft permits exactly what it names, and nothing is ever overwritten."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from check.case import Edit, broken_fleet, good_fleet, look, told

from dockwright.cli import main

MOVED = Edit("fleet.toml", "port = 7002", b"port = 7202")


def errors(fleet: Path) -> list[str]:
    """Errors as of today: a draft carries the day on which it was made."""
    return [str(finding) for finding in look(fleet, date.today()).findings if finding.severity == "error"]


def test_a_draft_names_the_difference_and_waits_for_its_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = broken_fleet(tmp_path, [MOVED])
    assert main(["change", "--fleet", str(fleet), "--title", "Beta moves"]) == 0
    out = capsys.readouterr().out
    assert "services.Beta.port: 7002 -> 7202" in out
    assert "drafted fleet/change-control/0002-beta-moves.md" in out
    report = look(fleet, date.today())
    assert told(report, "frozen") == []
    assert [finding.path for finding in report.findings if finding.rule == "tickets"] == ["why", "evidence", "undo"]


def test_a_filled_in_draft_is_a_ticket(tmp_path: Path) -> None:
    fleet = broken_fleet(tmp_path, [MOVED])
    main(["change", "--fleet", str(fleet)])
    (draft,) = (fleet / "change-control").glob("0002-*.md")
    draft.write_text(draft.read_text().replace("TODO: ", "Because of this: "))
    assert errors(fleet) == []


def test_a_second_run_drafts_nothing_and_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = broken_fleet(tmp_path, [MOVED])
    main(["change", "--fleet", str(fleet), "--title", "Beta moves"])
    draft = fleet / "change-control" / "0002-beta-moves.md"
    draft.write_text(draft.read_text() + "A note.\n")
    before = draft.read_text()
    capsys.readouterr()
    assert main(["change", "--fleet", str(fleet), "--title", "Beta moves"]) == 0
    assert "no change to draft" in capsys.readouterr().out
    assert draft.read_text() == before
    assert len(list((fleet / "change-control").glob("*.md"))) == 2


def test_values_with_quotes_survive_the_draft(tmp_path: Path) -> None:
    odd = b'contents = ["torch==2.4.0 # \'newest\', \\\\ and \\"quoted\\" -> \xc3\xa9"]'
    fleet = broken_fleet(tmp_path, [Edit("fleet.toml", 'contents = ["torch==2.4.0"]', odd)])
    assert told(look(fleet), "frozen") != []
    main(["change", "--fleet", str(fleet)])
    assert told(look(fleet), "frozen") == []


def test_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = broken_fleet(tmp_path, [MOVED])
    assert main(["change", "--fleet", str(fleet), "--dry-run"]) == 0
    assert "services.Beta.port: 7002 -> 7202" in capsys.readouterr().out
    assert len(list((fleet / "change-control").glob("*.md"))) == 1


def test_no_difference_is_said_and_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["change", "--fleet", str(good_fleet(tmp_path))]) == 0
    assert "nothing differs from the blueprint without a ticket" in capsys.readouterr().out


def test_an_unreadable_fleet_is_no_place_for_a_draft(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = broken_fleet(tmp_path, [Edit("fleet.toml", "port = 7002", b'port = "x"')])
    assert main(["change", "--fleet", str(fleet)]) == 2
    assert "services.Beta.port: expected a whole number" in capsys.readouterr().err
