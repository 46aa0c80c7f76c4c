"""This repository's own fleet: complete, frozen, and every deviation permitted by a ticket."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

from dockwright.check import frozen
from dockwright.check.run import check
from dockwright.check.ticket import read_tickets
from dockwright.spec.load import load_fleet

FOLDER = Path(__file__).parents[2] / "fleet"
MACHINES = {"4090": ["mainpc"], "3060": ["pc2"], "both": ["mainpc", "pc2"]}
TEXT = (FOLDER / "blueprint.txt").read_text()


def test_the_fleet_has_the_blueprints_size() -> None:
    fleet = load_fleet(FOLDER)
    assert len(fleet.services) == 63
    on = [instance.machine for instance in fleet.instances()]
    assert (len(on), on.count("mainpc"), on.count("pc2")) == (66, 43, 23)


def test_the_fleet_has_no_error_and_r2_is_overdue() -> None:
    report = check(FOLDER, date(2026, 11, 24))
    assert [str(finding) for finding in report.findings if finding.severity == "error"] == []
    assert [finding.path for finding in report.findings if finding.rule == "risks"] == ["risks.R2"]


def test_the_lock_holds_section_f_as_the_blueprint_prints_it() -> None:
    printed = {}
    for line in frozen.sections(TEXT)["F"].splitlines()[2:]:
        name, machines, needs, family, ports = line.split("\t")
        port, health_port = map(int, ports.split(" / "))
        wanted = needs.replace(" (GPU-aware)", "/GPU-aware").split("/")
        printed[f"services.{name}"] = {
            "machines": MACHINES[machines],
            "needs": wanted,
            "family": family,
            "port": port,
            "health_port": health_port,
        }
    rows = frozen.read_blueprint(FOLDER).rows
    assert len(printed) == 63
    assert {path: row for path, row in rows.items() if path.startswith("services.")} == printed


def test_the_lock_holds_section_d_as_the_blueprint_prints_it() -> None:
    rows = frozen.read_blueprint(FOLDER).rows
    table = [line.split("\t") for line in frozen.sections(TEXT)["D"].splitlines() if "\t" in line]
    for column, machine in ((1, "mainpc"), (2, "pc2")):
        printed = {line[0]: line[column] for line in table[1:]}
        assert {key: str(value) for key, value in rows[f"machines.{machine}"]["profile"].items()} == printed


def test_the_lock_holds_section_b_as_the_blueprint_draws_it() -> None:
    rows = frozen.read_blueprint(FOLDER).rows
    drawn: dict[str, str | None] = {}
    above: list[tuple[int, str]] = []
    drawing = frozen.sections(TEXT)["B"].split("Registry & Tagging")[0]
    for match in re.finditer(r"^(?P<indent>[ │├└─]*)(?P<name>[a-z][\w-]+)\S*\s+#", drawing, re.MULTILINE):
        depth = len(match["indent"])
        above = [(other, name) for other, name in above if other < depth]
        drawn[match["name"]] = above[-1][1] if above else None
        above.append((depth, match["name"]))
    families = {path.removeprefix("families."): row for path, row in rows.items() if path.startswith("families.")}
    assert len(drawn) == 9
    assert {name: row.get("parent") for name, row in families.items()} == drawn


def test_the_lock_holds_the_risks_as_the_blueprint_prints_them() -> None:
    rows = frozen.read_blueprint(FOLDER).rows
    keys = ("risk", "likelihood", "impact", "mitigation", "rollback")
    table = [line.split("\t") for line in frozen.sections(TEXT)["G"].splitlines() if re.match(r"R\d\t", line)]
    assert len(table) == 4
    for number, *cells in table:
        assert [rows[f"risks.{number}"][key] for key in keys] == cells


def test_every_difference_is_named_by_exactly_one_ticket() -> None:
    tickets, findings = read_tickets(FOLDER)
    assert findings == []
    named = sorted(change for ticket in tickets for change in ticket.changes)
    changes = frozen.differences(frozen.read_blueprint(FOLDER), frozen.rows_of(load_fleet(FOLDER)))
    assert named == sorted(map(str, changes))


def test_tickets_are_numbered_from_one_without_gaps() -> None:
    tickets, _ = read_tickets(FOLDER)
    assert [ticket.number for ticket in tickets] == list(range(1, len(tickets) + 1))


def test_the_lock_is_one_line_a_row() -> None:
    text = (FOLDER / "blueprint.lock").read_text()
    blueprint = frozen.read_blueprint(FOLDER)
    assert frozen.render(blueprint) == text
    assert set(json.loads(text)["sections"]) == {"head", *"ABCDEFGH"}
