"""What following is made of: records, the choice of a release, waves, the gate, FORCE_IMAGE_TAG, the registry."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine.servers import Answer, Request, certificate, serving
from hypothesis import given
from hypothesis import strategies as st
from registry_double import RegistryDouble, record, registry
from self_healing_supervisor import login
from self_healing_supervisor.core.facts import Health, Shape
from self_healing_supervisor.desired import Follow, Wanted, parse
from self_healing_supervisor.follow import forced
from self_healing_supervisor.follow import registry as registries
from self_healing_supervisor.follow.gate import LAPSE, RESTLESS, Course, Look, Verdict
from self_healing_supervisor.follow.registry import Registry, Silent
from self_healing_supervisor.follow.releases import file_of, newest, read
from self_healing_supervisor.follow.source import Source, next_release
from self_healing_supervisor.follow.waves import waves

NAME, OTHER = "20261125-000000000001", "20261125-000000000002"
A, B = "a" * 64, "b" * 64


def raw(**changes: Any) -> bytes:
    return json.dumps(record(NAME, {"mainpc/Alpha": A, "pc2/Beta": B}, 1000.0) | changes).encode()


def test_a_record_says_which_image_each_instance_has() -> None:
    found = read(raw(), NAME)
    assert (found.name, found.created) == (NAME, 1000.0)
    assert found.images == {"mainpc/Alpha": A, "pc2/Beta": B}


CHANGED: dict[str, Any] = {"git_sha": "2" * 40, "instances": {"mainpc/Alpha": {"digest": f"sha256:{B}"}}}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (raw(version=2), "version 1"),
        (raw(name=OTHER), "another release"),
        (raw(contents=CHANGED), "not what its digest says"),
        (raw(digest="sha256:" + A), "not what its digest says"),
        (raw(created="yesterday"), "not whole"),
        (json.dumps(record(NAME, {"mainpc/Alpha": "latest"}, 0.0)).encode(), "not whole"),
        (b"[]", "no release record"),
        (b"null", "no release record"),
    ],
)
def test_a_record_that_cannot_be_trusted(content: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read(content, NAME)


@given(st.binary(max_size=60))
def test_bytes_are_no_record(content: bytes) -> None:
    for reader in (read, file_of):
        with pytest.raises(ValueError):
            reader(content, NAME)


def test_the_newest_is_the_one_that_was_made_last() -> None:
    """Names of one day have no order of their own."""
    first, second = read(raw(), NAME), read(json.dumps(record(OTHER, {}, 900.0)).encode(), OTHER)
    assert newest([second, first], 0.0) is first
    assert newest([second, first], 1000.0) is None
    assert newest([], 0.0) is None


def wanted(service: str, phase: str, *depends: str) -> Wanted:
    return Wanted(service, "mainpc", f"dockwright-{service.lower()}", 8000, depends=depends, phase=phase)


INSTANCES = [
    wanted("C", "two"),
    wanted("A", "one"),
    wanted("B", "one", "A"),
    wanted("D", "two", "C", "B"),
    wanted("E", "two"),
]


@pytest.mark.parametrize(
    ("changing", "expected"),
    [
        ("ABCDE", [["A"], ["B"], ["C", "E"], ["D"]]),
        ("BD", [["B"], ["D"]]),
        ("EC", [["C", "E"]]),
        ("", []),
    ],
)
def test_waves(changing: str, expected: list[list[str]]) -> None:
    by_name = {one.service: one for one in INSTANCES}
    assert waves([by_name[name] for name in "ABCDE"], set(changing)) == expected


def test_whoever_is_waited_for_in_an_earlier_phase_goes_there() -> None:
    instances = [wanted("L", "late"), wanted("E", "early", "L")]
    assert waves([wanted("X", "early"), *instances], {"L", "E", "X"}) == [["X", "L"], ["E"]]


@given(st.dictionaries(st.sampled_from("ABCDEF"), st.frozensets(st.sampled_from("ABCDEF"), max_size=3)))
def test_everyone_is_in_one_wave_even_where_they_wait_in_a_circle(depends: dict[str, frozenset[str]]) -> None:
    instances = [wanted(name, "one", *sorted(others)) for name, others in depends.items()]
    found = waves(instances, set(depends))
    assert sorted(name for wave in found for name in wave) == sorted(depends)


def course(*looks: tuple[float, str], hold: float = 5.0, deadline: float = 10.0) -> Course:
    """`looks`: moment and what is seen: w(ell), s(ilent), u(nwell), e(nded), o(ther container)."""
    found = Course(0.0, deadline)
    for now, seen in looks:
        health = {"w": Health.WELL, "u": Health.UNWELL}.get(seen, Health.SILENT)
        found = found.take(Look(seen != "o", Shape.ENDED if seen == "e" else Shape.RUNNING, health), now, hold)
    return found


@pytest.mark.parametrize(
    ("looks", "verdict"),
    [
        ([(1, "s"), (9.9, "u")], Verdict.BOOTING),
        ([(1, "s"), (10, "s")], Verdict.NEVER_WELL),
        ([(1, "w"), (5.9, "w")], Verdict.HOLDING),
        ([(1, "w"), (6, "w")], Verdict.HELD),
        ([(1, "w"), (6, "w"), (7, "s"), (7 + LAPSE, "s")], Verdict.FELL),
        ([(1, "w"), (6, "w"), (7, "s"), (8, "w")], Verdict.HOLDING),
        ([(1, "w"), (2, "s"), (1 + LAPSE, "s"), (1.5 + LAPSE, "w"), (6.5 + LAPSE, "w")], Verdict.HELD),
        ([(1, "w"), (6, "w"), (500, "w"), (501, "s"), (502, "w")], Verdict.HOLDING),
        ([(1, "e")], Verdict.ENDED),
        ([(1, "w"), (9, "w"), (10, "e")], Verdict.ENDED),
        ([(1, "w"), (3, "o"), (9, "w")], Verdict.ENDED),
        ([(now, "w" if now % 2 else "u") for now in range(1, int(RESTLESS) + 10)], Verdict.FELL),
    ],
)
def test_the_gate(looks: list[tuple[float, str]], verdict: Verdict) -> None:
    assert course(*looks).verdict is verdict


@given(st.lists(st.tuples(st.floats(0, 200), st.sampled_from("wsueo")), max_size=40))
def test_only_health_without_a_break_holds(looks: list[tuple[float, str]]) -> None:
    looks.sort(key=lambda look: look[0])
    found = course(*looks)
    if found.verdict is Verdict.HELD:
        last = [seen for now, seen in looks if now >= looks[-1][0] - 5.0 + 1e-6]
        assert set(last) == {"w"}
    if "e" in {seen for _, seen in looks} or "o" in {seen for _, seen in looks}:
        assert found.verdict.failed


@pytest.mark.parametrize(
    ("text", "found", "wrong"),
    [
        ("", {}, False),
        ("TTSService=20261101-abc", {"TTSService": "20261101-abc"}, False),
        (" Aa=1 , Bb=2,", {"Aa": "1", "Bb": "2"}, False),
        ("latest", {}, True),
        ("Aa=1,bb=2", {"Aa": "1"}, True),
        ("Aa=", {}, True),
        ("Aa=a b", {}, True),
        ("Aa=../x", {}, True),
    ],
)
def test_forced_tags(text: str, found: dict[str, str], wrong: bool) -> None:
    tags, says = forced.parse(text)
    assert tags == found
    assert bool(says) is wrong


def test_a_tag_is_meant_with_its_machine_first() -> None:
    assert forced.names("x", "pc2") == ("x-pc2", "x")
    assert forced.names("x-pc2", "pc2") == ("x-pc2",)


def desired(follow: object) -> bytes:
    return json.dumps({"machine": "mainpc", "instances": [], "follow": follow}).encode()


def test_what_the_operator_says_of_following() -> None:
    assert parse(desired(None)).follow is None
    assert parse(desired({"registry": "r.test/x"})).follow == Follow("r.test/x")
    said = {"registry": "r.test/x", "release": "latest", "every_seconds": 5, "newer": 1}
    assert parse(desired(said)).follow == Follow("r.test/x", "latest", 5.0)


@pytest.mark.parametrize(
    "follow",
    [
        5,
        {},
        {"registry": 5},
        {"registry": "r", "release": "newest"},
        {"registry": "r", "release": "20261125"},
        {"registry": "r", "release": None},
        {"registry": "r", "every_seconds": 0},
        {"registry": "r", "every_seconds": "5"},
        {"registry": "r", "ca": 5},
    ],
    ids=str,
)
def test_what_is_meant_to_be_followed_and_cannot_be(follow: object) -> None:
    with pytest.raises(ValueError, match="follow"):
        parse(desired(follow))


@pytest.fixture
def double() -> Iterator[RegistryDouble]:
    with registry() as made:
        yield made


def test_a_registry_is_read(double: RegistryDouble) -> None:
    double.put(record(NAME, {"mainpc/Alpha": A}, 5.0))
    double.manifests["releases/latest"] = double.manifests["releases/sha256-x"] = b"{}"
    found = Registry(double.place)
    assert found.names() == [NAME]
    assert found.release(NAME).images == {"mainpc/Alpha": A}
    double.manifests["alpha/mine"] = b"{}"
    assert found.digest("alpha", "mine") == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert found.digest("alpha", "none") is None


def test_a_registry_before_its_first_release_has_none(double: RegistryDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(double, "answer", lambda _: (404, b'{"errors":[{"code":"NAME_UNKNOWN"}]}', {}))
    assert Registry(double.place).names() == []


def test_pages_are_turned(double: RegistryDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {
        "?n=1000": ([NAME], {"Link": '</v2/fleet/releases/tags/list?n=1000&last=a>; rel="next"'}),
        "?n=1000&last=a": ([OTHER, "x"], {}),
    }

    def answer(path: str) -> tuple[int, bytes, dict[str, str]]:
        tags, more = pages["?" + path.partition("?")[2]]
        return 200, json.dumps({"tags": tags}).encode(), more

    monkeypatch.setattr(double, "answer", answer)
    assert Registry(double.place).names() == [NAME, OTHER]


def test_other_bytes_than_their_digest_says_are_refused(double: RegistryDouble) -> None:
    double.put(record(NAME, {"mainpc/Alpha": A}, 5.0))
    for digest in double.blobs:
        double.blobs[digest] += b" "
    with pytest.raises(ValueError, match="other bytes"):
        Registry(double.place).release(NAME)


@pytest.mark.parametrize(
    ("status", "content", "says"),
    [
        (500, b"", "answers 500"),
        (429, b"", "answers 429"),
        (401, b"", "logged in"),
        (403, b"", "logged in"),
        (200, b"<html>", "not JSON"),
        (200, b"[]", "not what a registry says"),
        (200, b"x" * 200, "no end"),
    ],
)
def test_a_registry_that_does_not_answer_as_one(
    double: RegistryDouble, monkeypatch: pytest.MonkeyPatch, status: int, content: bytes, says: str
) -> None:
    monkeypatch.setattr(double, "answer", lambda _: (status, content, {}))
    monkeypatch.setattr(registries, "BYTES", 100)
    with pytest.raises(Silent, match=says):
        Registry(double.place).names()


def test_a_registry_that_is_gone(double: RegistryDouble) -> None:
    double.stop()
    with pytest.raises(Silent, match="refused"):
        Registry(double.place).names()


def test_a_token_is_taken_over_tls_only_and_given_to_the_registry_alone(
    double: RegistryDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    with registry() as other:
        found = Registry(double.place)
        found._said["fleet/releases"] = "Bearer hidden"
        monkeypatch.setattr(double, "answer", lambda _: (307, b"", {"Location": f"http://127.0.0.1:{other.port}/x"}))
        with pytest.raises(Silent):
            found.release(NAME)
        assert double.headers[0]["Authorization"] == "Bearer hidden"
        assert other.asked == ["/x"]
        assert "Authorization" not in other.headers[0]
        challenge = {"WWW-Authenticate": f'Bearer realm="http://127.0.0.1:{other.port}/token",service="s",scope="r"'}
        monkeypatch.setattr(double, "answer", lambda _: (401, b"", challenge))
        with pytest.raises(Silent, match="logged in"):
            found.names()
        assert other.asked == ["/x"]


def test_with_a_certificate_it_speaks_tls_and_logs_in_as_anybody(tmp_path: Path) -> None:
    signed = certificate(tmp_path)
    ca = signed.read_text().partition("-----BEGIN PRIVATE")[0]

    def token(one: Request) -> Answer:
        return Answer(body=b'{"token":"a-token"}')

    def answer(one: Request) -> Answer:
        if one.headers.get("Authorization") == "Bearer a-token":
            return Answer(body=json.dumps({"tags": [NAME]}).encode())
        said = f'Bearer realm="https://{tokens.host}/token",service="tests",scope="repository:fleet/releases:pull"'
        return Answer(401, headers={"WWW-Authenticate": said})

    with serving(token, signed) as tokens, serving(answer, signed) as server:
        found = Registry(f"{server.host}/fleet", ca)
        assert [found.names(), found.names()] == [[NAME], [NAME]]
        assert [one.path for one in tokens.asked] == ["/token?service=tests&scope=repository%3Afleet%2Freleases%3Apull"]
        assert tokens.credentials() == []
        other = certificate(tmp_path).read_text().partition("-----BEGIN PRIVATE")[0]
        with pytest.raises(Silent, match="CERTIFICATE_VERIFY_FAILED"):
            Registry(f"{server.host}/fleet", other).names()
    with pytest.raises((ValueError, OSError)):
        Registry("r.test/fleet", "no certificate")


@pytest.mark.parametrize("kind", ["basic", "bearer"])
def test_the_operators_login_opens_it(tmp_path: Path, kind: str) -> None:
    signed, file = certificate(tmp_path), tmp_path / "login"
    basic = "Basic " + base64.b64encode(b"me:hidden").decode()
    needed = {"basic": basic, "bearer": "Bearer a-token"}[kind]

    def token(one: Request) -> Answer:
        return Answer(body=b'{"token":"a-token"}') if one.headers.get("Authorization") == basic else Answer(401)

    def answer(one: Request) -> Answer:
        if one.headers.get("Authorization") == needed:
            return Answer(body=json.dumps({"tags": [NAME]}).encode())
        said = {"basic": 'Basic realm="x"', "bearer": f'Bearer realm="https://{tokens.host}/token"'}[kind]
        return Answer(401, headers={"WWW-Authenticate": said})

    with serving(token, signed) as tokens, serving(answer, signed) as server:
        found = Registry(f"{server.host}/fleet", signed.read_text().partition("-----BEGIN PRIVATE")[0], file)
        for content in (None, b"", b"[]", b'{"username":"me","password":"wrong"}'):
            if content is not None:
                file.write_bytes(content)
            with pytest.raises(Silent, match="logged in"):
                found.names()
        file.write_text(json.dumps({"username": "me", "password": "hidden"}))
        assert found.names() == [NAME]
        assert "hidden" not in repr(login.read(file))


def test_without_tls_only_loopback_is_spoken_to() -> None:
    assert Registry("registry.test:5000/fleet")._base == "https://registry.test:5000/v2/"
    assert Registry("127.0.0.1:5000/fleet")._base == "http://127.0.0.1:5000/v2/"
    assert Registry("localhost/fleet")._base == "http://localhost/v2/"
    assert Registry("[::1]:5000/fleet")._base == "http://[::1]:5000/v2/"
    assert Registry("127.0.0.1.evil.test/fleet")._base.startswith("https://")


def test_the_next_release(double: RegistryDouble) -> None:
    told: list[str] = []
    source = Source(double.place, "", lambda kind, detail: told.append(f"{kind} {detail['release']}"))

    def ask(wanted: str, old: list[str] | None, tried: float = 0.0, *failed: str) -> tuple[str, list[str]]:
        found, now_old = asyncio.run(next_release(source, wanted, 500.0, old, tried, set(failed)))
        return found.name if found else "", now_old

    early, late, broken = "19700101-000000000001", "19700101-000000000002", "19700101-000000000003"
    for name, created in ((early, 400.0), (late, 600.0)):
        double.put(record(name, {}, created))
    double.put(record(early, {}, 700.0), tag=broken)
    assert ask("latest", None) == (late, [early, broken])
    assert ask("latest", [early, broken], 600.0) == ("", [early, broken])
    assert ask("latest", [early, broken], 0.0, late) == ("", [early, broken])
    assert ask("latest", [late, broken]) == (early, [late, broken])
    assert ask(early, [early, late, broken]) == (early, [early, late, broken])
    assert ask(early, [early], 0.0, early) == ("", [early])
    assert ask("19990101-000000000009", [early])[0] == ""
    assert ask("latest", []) == (late, [])
    assert told == [f"release_refused {broken}"]
