"""`dockwright check` as it is typed: words, JSON and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from check.case import Edit, broken_fleet, good_fleet

from dockwright.cli import main

Out = pytest.CaptureFixture[str]


def test_a_good_fleet_is_one_calm_screen(tmp_path: Path, capsys: Out) -> None:
    assert main(["check", "--fleet", str(good_fleet(tmp_path))]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "3 services are not implemented yet (--all names them)"
    assert out[-1] == "4 services, 5 instances, 1 implemented: no errors"


def test_all_names_what_is_not_implemented(tmp_path: Path, capsys: Out) -> None:
    assert main(["check", "--all", "--fleet", str(good_fleet(tmp_path))]) == 0
    assert "services.Beta: not implemented yet" in capsys.readouterr().out


def test_json_has_exactly_the_promised_shape(tmp_path: Path, capsys: Out) -> None:
    fleet = broken_fleet(tmp_path, [Edit("fleet.toml", "port = 7002", b"port = 7001")])
    assert main(["check", "--json", "--fleet", str(fleet)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["services", "instances", "implemented", "findings"]
    assert (told["services"], told["instances"], told["implemented"]) == (4, 5, 1)
    for finding in told["findings"]:
        assert list(finding) == ["rule", "severity", "path", "file", "line", "message"]
    assert {"ports", "frozen"} <= {finding["rule"] for finding in told["findings"]}


def test_strict_fails_on_warnings(tmp_path: Path, capsys: Out) -> None:
    fleet = broken_fleet(tmp_path, [Edit("fleet.toml", "due = 2027-06-30", b"due = 2020-06-30")])
    (fleet / "blueprint.lock").write_text((fleet / "blueprint.lock").read_text())
    main(["change", "--fleet", str(fleet), "--title", "an old date"])
    (draft,) = (fleet / "change-control").glob("0002-*.md")
    draft.write_text(draft.read_text().replace("TODO", "Done"))
    assert main(["check", "--fleet", str(fleet)]) == 0
    assert main(["check", "--strict", "--fleet", str(fleet)]) == 1
    assert "no errors, 1 warning" in capsys.readouterr().out


@pytest.mark.parametrize("text", [b"[services", b"\xff\xfe", b"version = 1\nversion = 2\n", b"a = " + b"[" * 5000])
def test_an_unreadable_fleet_ends_with_2(tmp_path: Path, capsys: Out, text: bytes) -> None:
    fleet = good_fleet(tmp_path)
    (fleet / "fleet.toml").write_bytes(text)
    assert main(["check", "--fleet", str(fleet)]) == 2
    assert "fleet/fleet.toml:" in capsys.readouterr().out
    assert main(["check", "--json", "--fleet", str(fleet)]) == 2
    assert json.loads(capsys.readouterr().out)["services"] == 0


def test_no_fleet_at_all_is_said(tmp_path: Path, capsys: Out) -> None:
    assert main(["check", "--fleet", str(tmp_path / "nowhere")]) == 2
    assert "the file does not exist" in capsys.readouterr().out


def test_control_characters_never_reach_the_terminal(tmp_path: Path, capsys: Out) -> None:
    fleet = broken_fleet(tmp_path, [Edit("fleet.toml", 'version = "1.0"', b'version = "1.0"\n"\\u001b[31mred" = 1')])
    assert main(["check", "--fleet", str(fleet)]) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\\x1b[31mred: is no key of this table" in out


def test_rules_says_what_each_demands(capsys: Out) -> None:
    assert main(["check", "--rules"]) == 0
    assert "No two instances on one machine claim the same port" in capsys.readouterr().out
