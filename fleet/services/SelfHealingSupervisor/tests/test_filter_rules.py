"""What may be asked at all: only the list, only plainly."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from self_healing_supervisor.filter.rules import RULES, Refused, read

ID = "a" * 64
ALLOWED = [
    ("GET", "/_ping", ""),
    ("HEAD", "/_ping", ""),
    ("GET", "/version", ""),
    ("GET", "/events", "since=1795522318.448442200"),
    ("GET", "/containers/json", "all=1"),
    ("GET", f"/containers/{ID}/json", ""),
    ("GET", "/containers/dockwright-tts-service/json", ""),
    ("GET", f"/containers/{ID}/logs", "tail=200&stdout=1&stderr=1&timestamps=1"),
    ("GET", f"/containers/{ID}/stats", "stream=false&one-shot=true"),
    ("POST", f"/containers/{ID}/start", ""),
    ("POST", f"/containers/{ID}/stop", "t=10"),
    ("POST", f"/containers/{ID}/restart", "t=10"),
    ("POST", f"/containers/{ID}/kill", "signal=SIGKILL"),
    ("POST", "/containers/create", "name=dockwright-alpha"),
    ("POST", "/containers/create", f"name=dockwright-alpha&digest={ID}"),
    ("DELETE", f"/containers/{ID}", ""),
    ("POST", "/networks/dockwright-deploy-lock", ""),
    ("DELETE", "/networks/dockwright-deploy-lock", ""),
    ("POST", "/images/create", f"name=dockwright-alpha&digest={ID}"),
    ("POST", "/images/tag", "name=dockwright-alpha"),
    ("GET", "/images/json", "name=dockwright-alpha&tag=20261124-59b51f84018b-mainpc"),
]
REFUSED = [
    # whole parts of the API
    ("GET", "/info", ""),
    ("GET", "/images/json", ""),
    ("POST", "/images/create", "fromImage=evil"),
    ("POST", "/build", ""),
    ("POST", "/session", ""),
    ("POST", "/grpc", ""),
    ("GET", "/volumes", ""),
    ("POST", "/volumes/create", ""),
    ("GET", "/networks", ""),
    ("POST", "/networks/bridge/connect", ""),
    ("GET", "/networks/bridge", ""),
    ("GET", "/networks/dockwright-deploy-lock", ""),
    ("POST", "/networks/create", ""),
    ("POST", "/networks/dockwright", ""),
    ("DELETE", "/networks/dockwright", ""),
    ("DELETE", "/networks/dockwright-deploy-lock", "force=1"),
    ("POST", "/swarm/init", ""),
    ("GET", "/secrets", ""),
    ("GET", "/plugins", ""),
    ("POST", "/auth", ""),
    ("GET", "/system/df", ""),
    ("POST", "/containers/prune", ""),
    # verbs on containers
    ("DELETE", f"/containers/{ID}", "force=1"),
    ("DELETE", f"/containers/{ID}", "v=1"),
    ("DELETE", "/containers/dockwright-alpha", "link=1"),
    ("DELETE", f"/images/{ID}", ""),
    ("POST", "/images/create", "name=dockwright-alpha"),
    ("POST", "/images/create", f"fromImage=evil&tag=latest&name=dockwright-alpha&digest={ID}"),
    ("POST", "/images/create", f"name=dockwright-alpha&digest={ID}&fromSrc=-"),
    ("POST", "/images/create", f"name=dockwright-alpha&digest=sha256:{ID}"),
    ("POST", "/images/create", f"name=dockwright-alpha&digest={ID[:63]}"),
    ("POST", "/images/create", f"name=dockwright-alpha&digest={ID.upper()}"),
    ("POST", "/images/create", "name=dockwright-alpha&digest=latest"),
    ("POST", "/images/load", ""),
    ("POST", "/images/prune", ""),
    ("POST", "/images/tag", "name=dockwright-alpha&tag=latest"),
    ("POST", f"/images/{ID}/tag", "repo=x&tag=y"),
    ("POST", f"/images/{ID}/push", ""),
    ("GET", "/images/json", ""),
    ("GET", "/images/json", "name=dockwright-alpha&tag=-x"),
    ("POST", "/containers/create", "name=dockwright-alpha&tag=latest"),
    ("POST", f"/containers/{ID}/exec", ""),
    ("POST", f"/exec/{ID}/start", ""),
    ("POST", f"/containers/{ID}/attach", "stream=1&stdin=1"),
    ("GET", f"/containers/{ID}/attach/ws", ""),
    ("GET", f"/containers/{ID}/archive", "path=/"),
    ("PUT", f"/containers/{ID}/archive", "path=/"),
    ("GET", f"/containers/{ID}/export", ""),
    ("GET", f"/containers/{ID}/top", ""),
    ("GET", f"/containers/{ID}/changes", ""),
    ("POST", f"/containers/{ID}/update", ""),
    ("POST", f"/containers/{ID}/rename", "name=dockwright-x"),
    ("POST", f"/containers/{ID}/wait", ""),
    ("POST", f"/containers/{ID}/resize", "h=1&w=1"),
    ("POST", "/commit", f"container={ID}"),
    # methods
    ("POST", "/containers/json", ""),
    ("PUT", f"/containers/{ID}/start", ""),
    ("GET", f"/containers/{ID}/start", ""),
    ("start", f"/containers/{ID}/start", ""),
    # names that the engine would understand otherwise
    ("POST", f"/containers/{ID[:12]}/start", ""),
    ("POST", "/containers/aaaa/start", ""),
    ("POST", "/containers/somebody-elses/start", ""),
    ("POST", "/containers/dockwright-/start", ""),
    ("POST", "/containers/dockwright-Alpha/start", ""),
    ("POST", f"/containers/{ID.upper()}/start", ""),
    # paths that two parsers read in two ways
    ("POST", f"/containers/%61{ID[1:]}/start", ""),
    ("GET", "/containers/%2e%2e/images/json", ""),
    ("GET", "/containers/../images/json", ""),
    ("GET", "/containers/..;/images/json", ""),
    ("GET", "//containers/json", ""),
    ("GET", "/containers//json", ""),
    ("GET", "/containers/json/", ""),
    ("GET", "/containers/json;x", ""),
    ("GET", "/./containers/json", ""),
    ("GET", "/containers\\json", ""),
    ("GET", "/containers/json#x", ""),
    ("GET", "http://docker/containers/json", ""),
    ("GET", "*", ""),
    ("GET", "", ""),
    ("CONNECT", "docker:80", ""),
    ("GET", "/v1.45/v1.45/containers/json", ""),
    ("GET", "/v2.0/containers/json", ""),
    ("GET", "/v1.45", ""),
    # queries
    ("GET", "/events", "filters=%7B%7D"),
    ("GET", "/events", "since=now"),
    ("GET", "/containers/json", 'filters={"label":["x"]}'),
    ("GET", "/containers/json", "all=1&all=0"),
    ("GET", "/containers/json", "all=1&filters=x"),
    ("GET", "/containers/json", "all"),
    ("GET", "/containers/json", "all=1&"),
    ("GET", "/containers/json", "all=1;filters=x"),
    ("GET", "/containers/json", "%61ll=1"),
    ("GET", "/containers/json", "size=1"),
    ("GET", f"/containers/{ID}/logs", ""),
    ("GET", f"/containers/{ID}/logs", "tail=all"),
    ("GET", f"/containers/{ID}/logs", "tail=201"),
    ("GET", f"/containers/{ID}/logs", "tail=10&follow=1"),
    ("GET", f"/containers/{ID}/stats", ""),
    ("GET", f"/containers/{ID}/stats", "stream=1"),
    ("POST", f"/containers/{ID}/kill", ""),
    ("POST", f"/containers/{ID}/kill", "signal=SIGSTOP"),
    ("POST", f"/containers/{ID}/kill", "signal=9"),
    ("POST", f"/containers/{ID}/stop", "t=-1"),
    ("POST", f"/containers/{ID}/stop", "t=99999"),
    ("POST", f"/containers/{ID}/start", "detachKeys=x"),
    ("POST", "/containers/create", ""),
    ("POST", "/containers/create", "name=other"),
    ("POST", "/containers/create", "name=dockwright-a/b"),
    ("POST", "/containers/create", "name=dockwright-a&platform=linux"),
]


@pytest.mark.parametrize(("method", "path", "query"), ALLOWED)
@pytest.mark.parametrize("prefix", ["", "/v1.24", "/v1.45", "/v1.999"])
def test_the_list(method: str, path: str, query: str, prefix: str) -> None:
    wish = read(method, (prefix + path).encode(), query.encode())
    assert wish.query == dict(part.split("=") for part in query.split("&") if part)
    assert wish.ref in path


@pytest.mark.parametrize(("method", "path", "query"), REFUSED)
@pytest.mark.parametrize("prefix", ["", "/v1.45"])
def test_all_else(method: str, path: str, query: str, prefix: str) -> None:
    with pytest.raises(Refused) as refusal:
        read(method, (prefix + path).encode(), query.encode())
    assert refusal.value.status == 403


def test_every_rule_is_in_the_list_of_allowed_requests() -> None:
    assert {rule.kind for rule in RULES} == {read(m, p.encode(), q.encode()).kind for m, p, q in ALLOWED}


@pytest.mark.parametrize(
    "headers",
    [[(b"upgrade", b"tcp")], [(b"Upgrade", b"h2c")], [(b"connection", b"keep-alive, Upgrade")]],
)
def test_upgrades(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(Refused, match="upgraded"):
        read("POST", f"/containers/{ID}/start".encode(), b"", headers)


def test_a_target_without_end() -> None:
    with pytest.raises(Refused) as refusal:
        read("GET", b"/" + b"a" * 5000, b"")
    assert refusal.value.status == 414


SAFE = set(string.ascii_letters + string.digits + "-_.")


@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_passes_is_plain(segment: str, value: str) -> None:
    path, query = f"/containers/{segment}/logs".encode(), f"tail={value}".encode()
    try:
        wish = read("GET", path, query)
    except Refused:
        return
    assert set(wish.ref) <= SAFE
    assert int(wish.query["tail"]) <= 200


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_bytes_are_refused_or_read_and_nothing_else(path: bytes, query: bytes) -> None:
    with pytest.raises(Refused):
        read("POST", b"/" + path, query)
