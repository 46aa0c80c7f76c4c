"""The service from outside, in a process of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openapi
import pytest
from bus_errors import TRACE, told
from bus_listener import listening
from running import Running, start_service

FOLDER = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with start_service(FOLDER, tmp_path_factory.mktemp("bus"), machine="pc2") as service:
        yield service


def publish(service: Running, *errors: dict[str, Any]) -> list[int]:
    answer = service.ask("POST", "/v1/errors", list(errors))
    assert answer.status == 202, answer.body
    numbers: list[int] = answer.json()["numbers"]
    return numbers


def read(service: Running, path: str) -> Any:
    answer = service.ask("GET", path, token=False)
    assert answer.status == 200, answer.body
    return answer.json()


def metric(service: Running, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", service.health("/metrics").body.decode(), re.MULTILINE)
    assert found, name
    return float(found[1])


def test_published_found_grouped_resolved_and_opened_again(shared: Running) -> None:
    service = "WholeStory"
    first = publish(shared, *(told(f"no {at} in 'x'", service=service, trace=TRACE, id=f"w{at}") for at in range(3)))
    (group,) = read(shared, f"/v1/groups?service={service}")["groups"]
    assert (group["count"], group["state"], group["pattern"]) == (3, "open", "no <num> in <text>")
    found = read(shared, f"/v1/errors?service={service}&q=in+x")["errors"]
    assert [one["number"] for one in found] == first[::-1]
    assert found[-1] == read(shared, f"/v1/errors/{first[0]}")
    assert found[-1]["opened"] == "new"
    assert found[-1]["trace"] == TRACE

    path = f"/v1/groups/{group['id']}"
    settled = shared.ask("PUT", path, {"state": "resolved", "note": "mended in 1.2"}).json()
    assert (settled["state"], settled["note"]) == ("resolved", "mended in 1.2")
    assert read(shared, f"/v1/groups?service={service}&state=open")["groups"] == []
    publish(shared, told("no 9 in 'y'", service=service, trace=TRACE))
    again = read(shared, path)
    assert (again["state"], again["count"], again["reopened"], again["note"]) == ("open", 4, 1, "mended in 1.2")
    assert len(read(shared, f"/v1/errors?group={group['id']}")["errors"]) == 4


def test_one_error_without_a_list(shared: Running) -> None:
    answer = shared.ask("POST", "/v1/errors", told("alone", service="Alone"))
    assert (answer.status, answer.json()["accepted"]) == (202, 1)


def test_sent_again_it_is_counted_once(shared: Running) -> None:
    batch = [told(f"no {at}", service="Twice", id=str(at)) for at in range(5)]
    numbers = publish(shared, *batch)
    answer = shared.ask("POST", "/v1/errors", batch).json()
    assert answer == {"accepted": 5, "duplicates": 5, "numbers": numbers}
    assert read(shared, "/v1/groups?service=Twice")["groups"][0]["count"] == 5


def test_pages_follow_each_other(shared: Running) -> None:
    numbers = publish(shared, *(told(f"no {at}", service="Pages", level="WARN") for at in range(25)))
    found: list[int] = []
    path: str | None = "/v1/errors?service=Pages&level=warning&limit=10"
    cursor = ""
    while path:
        page = read(shared, path + cursor)
        found += [one["number"] for one in page["errors"]]
        publish(shared, told("meanwhile", service="Pages", level="WARN"))  # pages are not shifted by what comes
        cursor = f"&cursor={page['cursor']}"
        path = path if page["cursor"] else None
    assert found == numbers[::-1]


@pytest.mark.parametrize(
    ("method", "path", "body"), [("POST", "/v1/errors", [told()]), ("PUT", f"/v1/groups/{'0' * 32}", {"state": "open"})]
)
def test_what_changes_something_needs_the_token(shared: Running, method: str, path: str, body: Any) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {shared.token}"}):
        answer = shared.ask(method, path, body, token=False, headers=headers)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/errors", b"{", 400),
        ("POST", "/v1/errors", b"[" * 100_000, 400),
        ("POST", "/v1/errors", b'[{"message":"\\ud800"}]', 400),
        ("POST", "/v1/errors", [{}], 422),
        ("POST", "/v1/errors", "text", 422),
        ("POST", "/v1/errors", [told(), told(level="dreadful")], 422),
        ("POST", "/v1/errors", [told(at="2026-11-24T12:00:00")], 422),
        ("POST", "/v1/errors", [told()] * 501, 422),
        ("POST", "/v1/errors", [told("x" * 3_000_000)], 413),
        ("PUT", f"/v1/groups/{'0' * 32}", {"state": "resolved"}, 404),
        ("PUT", f"/v1/groups/{'0' * 32}", {"state": "gone"}, 422),
        ("PUT", f"/v1/groups/{'0' * 32}", {"state": "open", "note": "x" * 501}, 422),
        ("GET", "/v1/groups/x", None, 422),
        ("GET", f"/v1/groups/{'0' * 32}", None, 404),
        ("GET", "/v1/errors/0", None, 422),
        ("GET", "/v1/errors/999999999", None, 404),
        ("GET", "/v1/errors?limit=201", None, 422),
        ("GET", "/v1/errors?cursor=-1", None, 422),
        ("GET", "/v1/errors?since=yesterday", None, 422),
        ("GET", "/v1/errors?since=0.5", None, 422),
        ("GET", "/v1/errors?q=%22%22", None, 422),
        ("GET", "/v1/errors?level=loud", None, 422),
        ("GET", "/v1/errors?service=" + "&service=".join("a" * 21), None, 422),
        ("GET", "/v1/stream?after=x", None, 422),
        ("GET", "/v1/nothing", None, 404),
    ],
)
def test_what_is_wrong_is_a_problem(shared: Running, method: str, path: str, body: Any, status: int) -> None:
    answer = shared.ask(method, path, body)
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json()["status"] == status
    assert shared.health().status == 200


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": NaN, "b": -Infinity, "c": 1e999}',
        b'{"a": ' + b"9" * 4000 + b"}",
        b'{"a": ' + b'{"a": ' * 200 + b"1" + b"}" * 200 + b"}",
        b'{"nul": "\\u0000", "\\u001b": "\\u007f"}',
        b'{"' + b"k" * 100_000 + b'": 1}',
        b"{" + b",".join(b'"k%d": 1' % at for at in range(20_000)) + b"}",
    ],
    ids=["not-finite", "huge-number", "deep", "control", "long-key", "many-keys"],
)
def test_a_strange_context_can_be_kept_and_shown(shared: Running, raw: bytes) -> None:
    body = json.dumps([told("strange", service="Strange")]).encode().replace(b'"context": {}', b'"context": ' + raw)
    answer = shared.ask("POST", "/v1/errors", body)
    assert answer.status == 202, answer.body
    (number,) = answer.json()["numbers"]
    assert read(shared, f"/v1/errors/{number}")["cut"] == ["context"]
    assert shared.health().status == 200


def test_search_takes_whatever_is_typed(shared: Running) -> None:
    publish(shared, told("Über die Größe: model_name='x' (a AND b)", service="Typed"))
    for typed in (
        "uber",
        "GR%C3%B6%C3%9Fe",
        "model_na*",
        "%22a+AND+b%22",
        "a+OR+x+NOT",
        "kind:x)",
        "die+-%22x%22",
        "x'+OR+1=1",
    ):
        found = read(shared, f"/v1/errors?service=Typed&q={typed}")["errors"]
        assert len(found) == (typed not in ("a+OR+x+NOT", "kind:x)", "x'+OR+1=1")), typed


def test_listening_with_filters_and_coming_again(shared: Running) -> None:
    with listening(shared.url, "?service=Heard&level=error&q=seven*") as stream:
        begin = stream.place()
        publish(
            shared, told("seventh", service="Heard"), told("eighth", service="Heard"), told("seventh", service="Other")
        )
        publish(shared, told("seven up", service="Heard", level="info"), told("77 sevens", service="Heard"))
        heard = stream.until(2)
    assert [one.data["message"] for one in heard] == ["seventh", "77 sevens"]
    assert [one.event for one in heard] == ["published"] * 2
    assert heard[0].data == read(shared, f"/v1/errors/{heard[0].data['number']}")
    with listening(shared.url, "?service=Heard", last=heard[0].id) as stream:
        assert [one.data["message"] for one in stream.until(3)[1:]] == ["eighth", "seven up", "77 sevens"]
    with listening(shared.url, f"?service=Heard&opened=new&after={begin}") as stream:
        assert [one.data["message"] for one in stream.until(4)[1:]] == ["seventh", "eighth", "seven up", "77 sevens"]


def test_metrics_and_info(shared: Running) -> None:
    before = metric(shared, "errorbus_accepted_total"), metric(shared, 'errorbus_rejected_total{why="invalid"}')
    publish(shared, told(service="Metrics", id="1"), told(service="Metrics", id="1"), told(service="Metrics"))
    assert shared.ask("POST", "/v1/errors", [{}]).status == 422
    assert metric(shared, "errorbus_accepted_total") == before[0] + 2
    assert metric(shared, 'errorbus_rejected_total{why="invalid"}') == before[1] + 1
    assert metric(shared, "errorbus_duplicates_total") >= 1
    assert metric(shared, "errorbus_commit_seconds_count") > 0
    assert metric(shared, "errorbus_stored") >= 2
    assert metric(shared, "errorbus_groups") >= 1
    assert metric(shared, "errorbus_disk_bytes") > 50_000
    with listening(shared.url) as stream:
        stream.place()
        assert metric(shared, "errorbus_subscribers") == 1
    info = shared.health("/info").json()
    assert (info["search"], info["set_aside"], info["bounds"]["errors"]) == ("fts5", [], 100_000)


def test_openapi_json_is_what_the_service_does() -> None:
    assert (FOLDER / "openapi.json").read_text() == openapi.made(FOLDER)
