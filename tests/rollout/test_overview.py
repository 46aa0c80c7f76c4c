"""Several machines as one picture: silent ones, those that were told otherwise, and what runs nowhere."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import pytest
from rollout.engine import Recorded, container

from dockwright.cli import shown
from dockwright.engine import endpoint
from dockwright.errors import EngineUnavailable
from dockwright.rollout import overview, status
from dockwright.rollout.overview import Machine, Overview
from dockwright.rollout.pins import Pin
from dockwright.rollout.place import Place, here
from dockwright.spec.address import Address

ROW = {
    "service": "Alpha",
    "machine": "pc2",
    "container": "dockwright-alpha",
    "port": 7001,
    "health_port": 8001,
    "start_seconds": 20,
    "image_digest": "sha256:aaaa",
    "tag": "some",
}


def desired(on: str, **row: Any) -> dict[str, Any]:
    """What is desired on a machine: an Alpha. mainpc says of pc2's that it runs there, pc2 of Beta that it cannot."""
    why = "runs on pc2" if on == "mainpc" else "needs a card"
    return {
        "machine": on,
        "machines": {"mainpc": {}, "pc2": {}},
        "tag": "A",
        "instances": [{**ROW, **row}],
        "left_out": [{"service": "Alpha" if on == "mainpc" else "Beta", "machine": "pc2", "why": why}],
    }


def unreached(machine: str, address: Address, patience: float) -> NoReturn:
    raise EngineUnavailable(f"{machine}: the engine at {address.engine} does not answer within {patience:.0f} s")


def address(engine: str, host: str | None = None) -> Address:
    return Address.model_validate({"engine": engine, "host": host})


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def test_a_machine_that_was_told_otherwise_is_named_with_what_differs() -> None:
    mine, other = desired("pc2"), desired("pc2", image_digest="sha256:bbbb")
    assert overview.compared(mine, mine) == ()
    assert overview.compared(mine, None) == ()
    other["tag"] = "B"
    assert overview.compared(mine, other) == ("it was told to run B and not A: pc2/Alpha",)
    other["instances"] = []
    assert overview.compared(mine, other) == ("it was told to run B and not A: pc2/Alpha",)


def test_a_silent_machine_leaves_its_rows_unknown() -> None:
    silent = Machine(status.silent(desired("pc2"), "its machine's engine does not answer"), silent="pc2: no answer")
    seen = Overview((silent,))
    (row,) = seen.rows
    assert (row.state, row.desired, row.host) == ("unknown", True, "pc2")
    assert (seen.well, seen.silent, seen.healthy) == (False, True, 0)
    assert list(shown.beside(seen)) == ["pc2: no answer"]
    assert shown.whole(seen) == "0 of 1 healthy on pc2"


def test_what_runs_on_another_machine_is_not_left_out() -> None:
    names = {"mainpc": "Gamma", "pc2": "Alpha"}
    machines = tuple(Machine(status.silent(desired(on, service=name), "")) for on, name in names.items())
    assert [entry["service"] for entry in Overview(machines).left_out] == ["Beta"]
    assert shown.whole(Overview(machines)) == "0 of 2 healthy: 0 of 1 on mainpc, 0 of 1 on pc2"


def test_a_guest_is_shown_with_its_host() -> None:
    seen = Overview((Machine(status.silent(desired("mainpc"), "")),))
    assert shown.rows(seen)[0][1] == "pc2 on mainpc"


def test_who_changes_a_machine_now_is_told() -> None:
    seen = Overview((Machine(status.silent(desired("pc2"), ""), held="ana@box since noon: deploy B"),))
    assert "changed just now by ana@box since noon: deploy B" in "\n".join(shown.beside(seen))


def test_pins_are_shown_and_expire_loudly() -> None:
    pins = [Pin("Alpha", "20261101-a", "2026-11-30", "it leaks", "ana@box", {}),
            Pin("Beta", "20261101-b", "2026-11-24", "it clicks", "ana@box", {})]  # fmt: skip
    assert list(shown.pinned(pins, date(2026, 11, 25))) == [
        "THE PIN OF Beta TO 20261101-b EXPIRED ON 2026-11-24 (it clicks): ./dockwright unpin Beta, or pin it again",
        "Alpha is pinned to 20261101-a until 2026-11-30, by ana@box: it leaks",
    ]


def test_machines_are_those_that_something_was_rolled_out_to(state: Path) -> None:
    addresses = {
        "mainpc": address("local"),
        "pc2": address("ssh://pc2", "192.0.2.2"),
    }
    assert (overview.names(), overview.known(addresses)) == ([], {})
    here().write_desired(desired("mainpc"))
    assert overview.names() == ["mainpc", "pc2"]
    assert list(overview.known(addresses)) == ["mainpc"]
    Place(state / "rollout" / "machines" / "pc2").write_desired(desired("pc2"))
    found = overview.known(addresses)
    assert [(name, one.address is None) for name, one in found.items()] == [("mainpc", True), ("pc2", False)]


def test_a_machine_that_is_alone_and_silent_is_an_error_and_with_another_one_a_row(
    state: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = address("ssh://pc2", "192.0.2.2")
    monkeypatch.setattr(endpoint, "reach", unreached)
    Place(state / "rollout" / "machines" / "pc2").write_desired(desired("pc2"))
    with pytest.raises(EngineUnavailable, match="does not answer"):
        overview.read(overview.known({"pc2": gone}))
    recorded = Recorded(tmp_path, [container("dockwright-beta")])
    monkeypatch.setattr("dockwright.engine.find.running", lambda: recorded.docker)
    monkeypatch.setattr("dockwright.rollout.claim.holder", lambda _: None)
    here().write_desired({**desired("mainpc"), "instances": []})
    seen = overview.read(overview.known({"pc2": gone}))
    assert [machine.silent != "" for machine in seen.machines] == [False, True]
    assert [row.state for row in seen.rows] == ["extra", "unknown"]
    assert json.dumps([row.as_json() for row in seen.rows])
