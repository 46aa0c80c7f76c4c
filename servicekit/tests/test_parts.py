"""Parts that are best seen from near."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from running import Surroundings
from servicekit.reports.courier import Backoff
from servicekit.reports.errors import CONTEXT_CHARS, MESSAGE_CHARS, described
from servicekit.settings import load
from servicekit.sse import Event, Feed
from servicekit.web import Problem, body
from servicekit.web.json import Json
from servicekit.workers.sums import summed
from starlette.types import Message

from servicekit import Service

TRIED = Path(__file__).parent / "apps" / "Tried"


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(load(TRIED, Surroundings(TRIED, tmp_path).write()))


TEXTS = st.text(alphabet=st.characters(), max_size=50)  # with lone surrogates
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_every_answer_can_be_written(value: Any) -> None:
    raw = Json(value).body
    json.loads(bytes(raw).decode("utf-8"), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_what_json_can_hold_is_unchanged() -> None:
    assert json.loads(bytes(Json({"ü": ["😀", 1.5, None]}).body)) == {"ü": ["😀", 1.5, None]}
    assert bytes(Json("a\ud800b").body) == '"a\ufffdb"'.encode()


@given(st.binary(max_size=60) | st.text(alphabet='\\u"dDcCfF80', max_size=40).map(str.encode))
def test_half_pairs_are_found_and_nothing_else(raw: bytes) -> None:
    """Against what the JSON decoder makes of the same text."""
    text = b'"' + raw.replace(b'"', b"") + b'"'
    try:
        value = json.loads(text)
    except ValueError:
        return
    try:
        value.encode()
        lone = False
    except UnicodeEncodeError:
        lone = True
    assert any(match["lone"] for match in body.PAIR_OR_LONE.finditer(text)) == lone


@pytest.mark.parametrize("bound", ["CHUNK_SECONDS", "WHOLE_SECONDS"])
def test_a_body_that_comes_too_slowly(service: Service, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    """Silence is ended, and so is a drip that never is silent for long."""
    monkeypatch.setattr(body, bound, 0.2)

    async def drip() -> Message:
        await asyncio.sleep(60 if bound == "CHUNK_SECONDS" else 0.02)
        return {"type": "http.request", "body": b"", "more_body": True}

    scope: dict[str, Any] = {"type": "http", "headers": []}
    slow = body.Body(service, scope, drip, 100)
    with pytest.raises(Problem) as found:
        asyncio.run(asyncio.wait_for(slow.receive(), 10))
    assert found.value.status_code == 408 and slow.refused is found.value


def test_waits_double_up_to_a_bound_and_differ() -> None:
    backoff = Backoff(8.0)
    waits = [backoff.wait() for _ in range(8)]
    for wait, most in zip(waits, (0.5, 1, 2, 4, 8, 8, 8, 8), strict=True):
        assert most / 2 <= wait <= most
    assert len(set(waits[4:])) > 1
    backoff.reset()
    assert backoff.wait() <= 0.5


@given(TEXTS | st.just("x" * 100_000), st.dictionaries(st.text(), st.text()))
def test_errors_are_bounded_and_text(message: str, context: dict[str, str]) -> None:
    found = described(message, {**context, "large": "x" * 100_000, "number": 7})
    assert len(found["message"]) <= MESSAGE_CHARS and found["message"]
    assert len(found["context"]) <= 20
    assert all(isinstance(one, int) or len(one) <= CONTEXT_CHARS for one in found["context"].values())
    json.dumps(found, ensure_ascii=False).encode()


def test_a_client_that_falls_behind_is_ended_not_fed_with_gaps() -> None:
    async def run() -> list[str]:
        feed = Feed(kept=5, per_client=3)
        found = []
        with feed.listen() as news:
            for number in range(3):
                feed.publish(Event(number, id=str(number)))
            found.append((await anext(news)).id)
            for number in range(3, 6):
                feed.publish(Event(number, id=str(number)))
            found += [event.id async for event in news]
        return found

    assert asyncio.run(run()) == ["0"]


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 10))
def test_resuming_leaves_no_gap_or_says_so(before: int, seen: int, kept: int) -> None:
    feed = Feed(kept=kept)
    for number in range(before):
        feed.publish(Event(number, id=str(number)))
    with feed.listen(str(seen)) as news:
        found = [event.id for event in news._queue]
    if news.resumed:
        assert found == [str(number) for number in range(seen + 1, before)]
    else:
        assert found == [] and (seen >= before or seen < before - kept)


@pytest.mark.parametrize("bad", ["a\nb", "a\rb", "a\0b"])
def test_events_cannot_be_forged(bad: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        Event(1, bad)
    with pytest.raises(ValueError, match="line break"):
        Event(1, id=bad)
    assert Event("a\n\ndata: b").raw == b'data: "a\\n\\ndata: b"\n\n'


def test_sums_of_workers() -> None:
    one = (
        "# HELP a_total A\n# TYPE a_total counter\na_total{x=\"1\"} 2.0\n"
        "# HELP g G\n# TYPE g gauge\ng 5.0\n"
        "# HELP h H\n# TYPE h histogram\nh_bucket{le=\"1.0\"} 1.0\nh_bucket{le=\"+Inf\"} 2.0\nh_count 2.0\nh_sum 3.5\n"
    )  # fmt: skip
    found = summed([(0, one), (1, one.replace('x="1"} 2.0', 'x="2"} 7.0'))]).decode()
    assert 'a_total{x="1"} 2.0' in found and 'a_total{x="2"} 7.0' in found
    assert 'g{worker="0"} 5.0' in found and 'g{worker="1"} 5.0' in found
    assert 'h_bucket{le="1.0"} 2.0' in found and "h_count 4.0" in found and "h_sum 7.0" in found


def test_hooks_checks_and_secrets(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    service.check("one", lambda: None)
    with pytest.raises(ValueError, match="already"):
        service.check("one", lambda: None)
    for name in ("../build.json", "", ".hidden", "a/b", "a\0b"):
        with pytest.raises(Exception, match="not the name of a secret"):
            service.secret(name)
    with caplog.at_level(logging.DEBUG):
        service.report_error("nobody listens")
    assert caplog.records == []
