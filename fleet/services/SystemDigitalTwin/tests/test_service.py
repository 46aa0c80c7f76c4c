"""The service as it runs in its image, from outside; the supervisors are small real servers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from running import Running, start_service
from supervisor_double import SupervisorDouble
from system_digital_twin.turns import WAITING
from twin_cases import answer, desired, instance, use

NAME = "SystemDigitalTwin"
MOST = 25.0  # seconds: polled every five, with time-outs of four


@pytest.fixture
def doubles() -> Iterator[dict[str, SupervisorDouble]]:
    found = {
        "mainpc": SupervisorDouble(answer("mainpc", gpus=None, gpus_reason="unknown: no driver", instances=[])),
        "pc2": SupervisorDouble(answer("pc2")),
    }
    yield found
    for one in found.values():
        one.go()


@pytest.fixture
def twin(doubles: dict[str, SupervisorDouble], tmp_path: Path) -> Iterator[Running]:
    peers = {"SelfHealingSupervisor": {name: one.peer for name, one in doubles.items()}}
    with start_service(NAME, tmp_path, peers=peers, run_files={"desired.json": desired()}) as running:
        yield running


def get(twin: Running, path: str, status: int = 200) -> Any:
    found = twin.ask("GET", path, token=False)
    assert found.status == status, found
    return found.json()


def simulate(twin: Running, status: int = 200, **question: Any) -> Any:
    found = twin.ask("POST", "/v1/simulate", question, token=False)
    assert found.status == status, found
    return found.json()


def until(twin: Running, path: str, holds: Callable[[Any], bool], seconds: float = MOST) -> Any:
    ends_at = time.monotonic() + seconds
    while not holds(found := get(twin, path)):
        assert time.monotonic() < ends_at, found
        time.sleep(0.1)
    return found


def warned(twin: Running, says: str) -> None:
    ends_at = time.monotonic() + MOST
    while not any(says in one for one in twin.health("/info").json()["warnings"]):
        assert time.monotonic() < ends_at, twin.health("/info").json()
        time.sleep(0.1)


def live(found: Any) -> bool:
    return bool(found["state"] == "live")


def test_live_lost_and_back(twin: Running, doubles: dict[str, SupervisorDouble]) -> None:
    pc2 = until(twin, "/v1/machines/pc2", live)
    assert pc2["live"]["gpus"][0]["memory_used_mb"] == 1000
    assert pc2["declared"]["gpu"] == "RTX 3060"
    assert set(doubles["pc2"].tokens) == {f"Bearer {twin.token}"}
    mainpc = until(twin, "/v1/machines/mainpc", live)
    assert (mainpc["live"]["gpus"], mainpc["live"]["gpus_reason"]) == (None, "unknown: no driver")

    doubles["pc2"].go()
    lost = until(twin, "/v1/machines/pc2", lambda found: not live(found))
    assert lost["state"] == "silent"
    assert "refused" in lost["why"]
    assert lost["since"] > pc2["since"]
    assert lost["live"]["memory"] == pc2["live"]["memory"], "what was last heard stays, with its age"
    until(twin, "/v1/machines/pc2", lambda found: found["live"]["age_seconds"] > lost["live"]["age_seconds"])
    health = twin.health().json()
    assert health["status"] == "ok", "a lost machine is no fault of the twin"
    warned(twin, "pc2: silent: ")
    assert 'twin_machine_live{about="pc2"} 0.0' in twin.health("/metrics").body.decode()
    assert get(twin, "/v1/machines/mainpc")["state"] == "live"

    doubles["pc2"].said = answer("pc2", memory={"total_mb": 32000, "available_mb": 1000})
    doubles["pc2"].come()
    back = until(twin, "/v1/machines/pc2", live)
    assert back["live"]["memory"]["available_mb"] == 1000
    new = {"service": "New", "machine": "pc2", "memory_mb": 10, "cpus": 1, "gpu": False, "port": 1, "health_port": 2}
    assert simulate(twin, against="live", add=[new])["breaks"] == [
        "memory on pc2: needs 31,010 MB of 29,952 MB (32,000 MB less the reserve), 1,058 MB too much"
    ]


@pytest.mark.parametrize(
    ("status", "said", "why"), [(500, {}, "answers 500"), (200, answer("mainpc"), "it says that it is mainpc")]
)
def test_an_answer_that_is_none(
    twin: Running, doubles: dict[str, SupervisorDouble], status: int, said: Any, why: str
) -> None:
    until(twin, "/v1/machines/pc2", live)
    doubles["pc2"].status, doubles["pc2"].said = status, said
    lost = until(twin, "/v1/machines/pc2", lambda found: not live(found))
    assert why in lost["why"]


def test_a_machine_that_hangs_holds_up_nobody(twin: Running, doubles: dict[str, SupervisorDouble]) -> None:
    until(twin, "/v1/machines/pc2", live)
    doubles["pc2"].free.clear()
    lost = until(twin, "/v1/machines/pc2", lambda found: not live(found))
    assert "no answer within 4 s" in lost["why"]
    assert get(twin, "/v1/machines/mainpc")["live"]["age_seconds"] < 15
    began = time.monotonic()
    assert twin.stop() == 0
    assert time.monotonic() - began < 10, "a question that hangs holds up no end"


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restart_keeps_the_history(twin: Running, end: str) -> None:
    path = "/v1/machines/pc2/history?metric=memory_used_mb"
    until(twin, "/v1/machines/pc2", live)
    before = get(twin, path)
    assert [point["mean"] for point in before["points"]] == [8000.0]
    if end == "stop":
        assert twin.stop() == 0
    else:  # what was written before a kill stays: a first life writes when it stops, a second one is killed
        assert twin.stop() == 0
        twin.start()
        twin.kill()
    twin.start()
    after = get(twin, path)
    assert after["points"][0]["at"] == before["points"][0]["at"]
    assert {point["mean"] for point in after["points"]} == {8000.0}
    assert "Hub.memory_mb" in get(twin, "/v1/machines/pc2")["metrics"]


def test_history_asks_for_what_there_is(twin: Running) -> None:
    until(twin, "/v1/machines/pc2", live)
    found = get(twin, "/v1/machines/pc2/history?metric=cpu_busy_pct&points=2&since=2020-01-01T00:00:00Z")
    assert found["seconds"] > 86_400
    assert found["points"][0]["max"] == 25.0
    missing = get(twin, "/v1/machines/pc2/history?metric=gpu7_busy_pct", 404)
    assert missing["detail"] == "pc2 has no history of gpu7_busy_pct"
    assert "gpu0_busy_pct" in missing["metrics"]
    get(twin, "/v1/machines/pc3/history?metric=cpu_busy_pct", 404)
    past = "/v1/machines/pc2/history?metric=cpu_busy_pct&since=2020-01-02T00:00:00Z&until=2020-01-01T00:00:00Z"
    assert get(twin, past, 422)["detail"].startswith("since must be before until")
    get(twin, "/v1/machines/pc2/history?metric=cpu_busy_pct&since=0001-01-01T00:00:00%2B23:59")
    get(twin, "/v1/machines/pc2/history?metric=cpu_busy_pct&points=1001", 422)


def test_what_a_real_supervisor_tells_is_understood(tmp_path: Path) -> None:
    """There is no engine for it here, and perhaps no card: it tells of the host and why it knows no more."""
    with start_service("SelfHealingSupervisor", tmp_path, healthy=False) as supervisor:
        peers = {"SelfHealingSupervisor": supervisor.peer}
        with start_service(NAME, tmp_path, peers=peers, run_files={"desired.json": desired()}) as twin:
            found = until(twin, "/v1/machines/mainpc", live)
            assert found["live"]["memory"]["total_mb"] > 100
            assert (found["live"]["gpus"] is None) is bool(found["live"]["gpus_reason"])
            assert "memory_used_mb" in get(twin, "/v1/machines/mainpc")["metrics"]
            answered = simulate(twin, against="live", machines=["mainpc"])
            assert answered["machines"][0]["resources"][0]["capacity"] == found["live"]["memory"]["total_mb"]


def test_what_is_declared_changes_under_it(twin: Running) -> None:
    assert simulate(twin)["fits"] is True
    file = twin.surroundings.folder / "run" / "desired.json"
    large = [instance("Mind", "mainpc", 7101, memory_mb=70_000)]
    part = file.with_name("part")
    part.write_text(json.dumps(desired(instances=large)))
    part.replace(file)
    until(twin, "/v1/machines/mainpc", lambda found: found["claimed"]["memory_mb"] == 70_000)
    assert simulate(twin)["breaks"][0].startswith("memory on mainpc: needs 70,000 MB of 63,488 MB")
    file.write_text("{")
    found = twin.wait_for_health(503, 40)
    assert found.json()["reasons"][0]["check"] == "desired"
    assert simulate(twin)["fits"] is False, "the last good one is kept"


def test_without_any_address_and_any_declaration_it_says_so(tmp_path: Path) -> None:
    with start_service(NAME, tmp_path) as twin:
        assert get(twin, "/v1/machines")["machines"] == []
        assert "desired.json: " in simulate(twin, 503)["detail"]
        assert simulate(twin, 422, add=[{"service": "no", "machine": "x"}])["errors"]


def test_questions_that_cannot_be_meant_so(twin: Running) -> None:
    twice = [{"service": "Eyes", "machine": "pc2"}] * 2
    assert simulate(twin, 422, remove=twice)["detail"] == "Eyes on pc2 is touched more than once"
    assert simulate(twin, 422, unheard=1)["errors"]
    assert simulate(twin, 422, reserve={"memory_mb": 1e99})["errors"]


def test_a_crowd_of_questions_is_answered_or_sent_away(twin: Running) -> None:
    new = {"machine": "pc2", "memory_mb": 10, "gpu": False, "cpus": 1, "port": 1, "health_port": 2}
    question = {"add": [{"service": f"New{at}", **new} for at in range(200)], "suggestions": True}
    with ThreadPoolExecutor(60) as crowd:
        found = list(crowd.map(lambda _: twin.ask("POST", "/v1/simulate", question, timeout=60), range(120)))
    assert {one.status for one in found} <= {200, 503}
    assert sum(one.status == 200 for one in found) >= WAITING
    assert all(one.headers["Retry-After"] == "1" for one in found if one.status == 503)
    assert simulate(twin)["fits"] is True


def test_a_large_question_is_answered_soon(doubles: dict[str, SupervisorDouble], tmp_path: Path) -> None:
    names = [f"Service{number}" for number in range(200)]
    rows = [instance(name, "mainpc", 20_000 + at, memory_mb=300) for at, name in enumerate(names)]
    facts = desired(instances=rows, elsewhere=[])
    doubles["mainpc"].said = answer("mainpc", instances=[use(name) for name in names])
    peers = {"SelfHealingSupervisor": {"mainpc": doubles["mainpc"].peer}}
    with start_service(NAME, tmp_path, peers=peers, run_files={"desired.json": facts}) as twin:
        new = {"machine": "mainpc", "memory_mb": 100, "gpu_memory_mb": 200, "cpus": 1, "port": 1, "health_port": 2}
        began = time.monotonic()
        found = simulate(twin, add=[{"service": f"New{at}", **new} for at in range(200)], suggestions=True)
        assert found["fits"] is False
        assert time.monotonic() - began < 10
