"""What others write: desired.json, texts, peers' answers, health answers. None of it can break anything."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from instance_double import desired
from unified_observability_center import told
from unified_observability_center.clean import DEPTH, DETAIL, MEMBERS, TEXT, detail, line, value
from unified_observability_center.core.health import Heard
from unified_observability_center.desired import Desired, DesiredFile, LeftOut, parse
from unified_observability_center.probe import judge

ROW = {"service": "Alpha", "machine": "mainpc", "address": "10.0.0.9", "health_port": 8200}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def read(content: Any) -> Desired:
    return parse(json.dumps(content).encode())


def test_a_row_with_what_is_needed_is_enough() -> None:
    found = read({"machine": "mainpc", "instances": [ROW], "more": 1})
    assert (found.instances[0].address, found.instances[0].start_seconds) == ("10.0.0.9", 60.0)
    assert found.written_at is None


def test_everything_is_read() -> None:
    row = ROW | {"git_sha": "a", "tag": "t", "phase": "core", "port": 7200, "memory_mb": 128, "depends": ["Beta"]}
    found = read(desired(row, left_out=[{"service": "B", "machine": "pc2", "why": "not implemented yet"}]))
    one = found.instances[0]
    assert (one.port, one.memory_mb, one.depends, one.facts["phase"]) == (7200, 128, ("Beta",), "core")
    assert found.left_out == (LeftOut("B", "pc2", "not implemented yet"),)
    assert found.machines["mainpc"].memory_mb == 65536
    assert found.written_at == 1767225600.0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"service": "../etc"}, "service is missing or no name"),
        ({"machine": None}, "machine is missing or no name"),
        ({"address": "a/b"}, "address is not a host name"),
        ({"address": "a b:80@x"}, "address is not a host name"),
        ({"health_port": 0}, "health_port is not a port"),
        ({"health_port": True}, "health_port is not a port"),
        ({"health_port": "80"}, "health_port is not a port"),
    ],
)
def test_a_row_that_would_make_us_ask_the_wrong_one_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read({"machine": "mainpc", "instances": [ROW | change]})


def test_twice_the_same_instance_is_refused() -> None:
    with pytest.raises(ValueError, match="named twice"):
        read({"machine": "mainpc", "instances": [ROW, ROW]})


@settings(deadline=None, max_examples=100)
@given(JSON)
def test_no_content_makes_reading_fail_otherwise(content: Any) -> None:
    for form in (content, {"machine": "mainpc", "instances": content}, {"machine": "mainpc", "instances": [content]}):
        try:
            parse(json.dumps(form).encode())
        except ValueError:
            continue
    lenient = {"machines": content, "left_out": content, "written_at": content, "tag": content}
    parse(json.dumps({"machine": "mainpc", "instances": [], **lenient}).encode())


def test_a_file_that_cannot_be_read_keeps_the_last_good_one_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "desired.json"
    file = DesiredFile(path)
    assert file.read_if_changed() is None and "No such file" in file.problem
    path.write_text(json.dumps({"machine": "mainpc", "instances": [ROW]}))
    assert file.read_if_changed() is not None and file.problem == ""
    assert file.read_if_changed() is None and file.problem == ""
    good = path.stat()
    path.write_text("{")
    assert file.read_if_changed() is None and "desired.json" in file.problem
    path.write_text(json.dumps({"machine": "mainpc", "instances": [ROW]}))
    os.utime(path, ns=(good.st_atime_ns, good.st_mtime_ns + 10))
    assert file.read_if_changed() is not None and file.problem == ""


@settings(deadline=None, max_examples=100)
@given(st.text(), st.integers(2, 40))
def test_a_line_is_one_bounded_printable_line(text: str, most: int) -> None:
    found = line(text, most)
    assert len(found) <= most
    assert found.isprintable()
    found.encode()  # no half of a surrogate pair is left
    if text.isprintable() and len(text) <= most:
        assert found == text


def test_control_and_direction_characters_go() -> None:
    assert line("a\x1b[31m\r\nb\u202ec\x00") == "a�[31m  b�c�"


@settings(deadline=None, max_examples=100)
@given(JSON)
def test_values_are_bounded_and_can_be_written_as_json(found: Any) -> None:
    kept = value(found)
    json.dumps(kept, allow_nan=False).encode()

    def check(one: Any, depth: int) -> None:
        assert depth <= DEPTH
        if isinstance(one, str):
            assert len(one) <= TEXT and one.isprintable()
        if isinstance(one, dict | list):
            assert len(one) <= MEMBERS
            for inner in one.values() if isinstance(one, dict) else one:
                check(inner, depth + 1)

    check(kept, 0)


LONG = st.integers(300, 900).map(lambda size: "x\0" * size)


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(st.text(max_size=10), JSON | LONG, max_size=30))
def test_a_detail_is_bounded_as_a_whole(found: dict[str, Any]) -> None:
    assert len(json.dumps(detail(found))) <= DETAIL


def test_a_deep_value_ends() -> None:
    deep: Any = "end"
    for _ in range(5000):
        deep = [deep]
    assert "end" not in json.dumps(value(deep))


@settings(deadline=None, max_examples=100)
@given(JSON)
def test_peers_may_answer_anything(found: Any) -> None:
    for form in (
        found,
        {"machines": found},
        {"instances": found},
        {"groups": found},
        {"memory": found, "cpu": {"a": 1}},
    ):
        told.machine(form), told.twin(form), told.uses(form), told.care(form), told.groups(form)


def test_a_supervisor_and_a_twin_tell_the_same() -> None:
    row = {
        "cpu": {"count": 32, "busy_pct": 50.0},
        "memory": {"total_mb": 1000, "available_mb": 400},
        "disk": {"total_mb": 10, "free_mb": 4},
        "gpus": None,
        "gpus_reason": "no driver",
        "instances": [{"service": "Alpha", "memory_mb": 5.0, "cpu_pct": 1.0, "gpu_memory_mb": None}],
    }
    use = {"service": "Alpha", "memory_mb": 128, "memory_used_mb": 5.0, "cpu_used_pct": 1.0, "gpu_memory_used_mb": None}
    live = {key: row[key] for key in ("cpu", "memory", "disk", "gpus", "gpus_reason")}
    twin = {"machines": [{"machine": "mainpc", "why": "", "live": live, "instances": [use], "warnings": []}]}
    direct = told.machine(row)
    assert direct is not None and direct.memory_used_mb == 600.0 and direct.cards is None
    assert told.twin(twin) == {"mainpc": direct}


def test_what_a_supervisor_does_is_told_in_words() -> None:
    rows = [
        {"service": "Alpha", "state": "backoff", "fault": {"kind": "crashed"}},
        {"service": "Beta", "state": "held", "hold": {"by": "api", "why": "disk is changed"}},
        {"service": "Gamma", "state": "broken", "breaker": "open", "failures": 5},
        {"service": "Delta", "state": "healthy"},
    ]
    assert {name: one.text for name, one in told.care({"instances": rows}).items()} == {
        "Alpha": "restart is due (crashed)",
        "Beta": "left alone: disk is changed",
        "Gamma": "given up for now after 5 restarts",
    }


@settings(deadline=None, max_examples=100)
@given(st.integers(100, 599), st.binary(max_size=200) | JSON.map(lambda one: json.dumps(one).encode()))
def test_any_health_answer_has_a_meaning(status: int, body: bytes) -> None:
    found = judge(status, body, 0.1)
    assert found.heard is (Heard.WELL if status == 200 else Heard.UNWELL)
    assert bool(found.reasons) is (status != 200)
    assert all(one.reason.isprintable() and one.check.isprintable() for one in found.reasons)


def test_reasons_and_start_are_read() -> None:
    body = {"reasons": [{"check": "disk", "reason": "full\n"}, "odd"], "started_at": "2026-11-24T18:00:00+00:00"}
    found = judge(503, json.dumps(body).encode(), 0.1)
    assert [(one.check, one.reason) for one in found.reasons] == [("disk", "full "), ("health", "odd")]
    assert found.started_at is not None and abs(found.started_at - 1795543200) < 1
    assert judge(503, b"", 0.1).reasons[0].reason == "HTTP 503"
