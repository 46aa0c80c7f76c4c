"""What a registry answers is hostile until proven otherwise, and what is the matter with it is said in words."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from engine.servers import Answer, Request, certificate, serving

from dockwright.engine.registry import artifact, documents, login, place
from dockwright.engine.registry.artifact import File
from dockwright.engine.registry.documents import Descriptor
from dockwright.engine.registry.repository import Repository, checked
from dockwright.errors import DockwrightError, Unreachable, UsageError

KIND = "application/vnd.dockwright.test.v1+json"
PASSWORD = "wonderful-secret"
BASIC = "Basic " + base64.b64encode(f"tester:{PASSWORD}".encode()).decode()


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which nobody is logged in anywhere; its config.json."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


def at(host: str) -> Repository:
    return Repository(place.Place(host, "fleet/things"))


def logged_in(config: Path, *hosts: str) -> None:
    auth = base64.b64encode(f"tester:{PASSWORD}".encode()).decode()
    config.write_text(json.dumps({"auths": {host: {"auth": auth} for host in hosts}}))


def manifest(*names: str, content: bytes = b"{}") -> bytes:
    layers = tuple(File(name, content).descriptor() for name in names)
    empty = Descriptor(media_type=documents.EMPTY, digest=documents.digest_of(b"{}"), size=2)
    return documents.dumps(documents.Manifest(artifact_type=KIND, config=empty, layers=layers))


HOSTILE: dict[str, tuple[Callable[[Request], Answer], str]] = {
    "no end": (lambda _: Answer(body=itertools.repeat(b"x" * 2**16)), "has no end"),
    "no JSON": (lambda _: Answer(body=b"<html>"), "is no manifest"),
    "another shape": (lambda _: Answer(body=b'{"layers": 3}'), "is no manifest"),
    "deep": (lambda _: Answer(body=b"[" * 200_000), "is no manifest"),
    "in circles": (lambda one: Answer(307, headers={"Location": one.path}), "does not answer"),
    "cut": (lambda _: Answer(body=b"{", headers={"Content-Length": "500"}), "does not answer"),
    "unwell": (lambda _: Answer(503), "answers 503"),
    "busy": (lambda _: Answer(429), "answers 429"),
    "forbidden": (lambda _: Answer(403), "does not allow this"),
    "escapes": (
        lambda _: Answer(418, b'{"errors":[{"message":"\\u001b[31mtea\\u001b[0m"}]}'),
        r"answers 418: \[31mtea\[0m$",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_ends_in_one_clear_line(name: str) -> None:
    answer, says = HOSTILE[name]
    with serving(answer) as server, pytest.raises(DockwrightError, match=says) as caught:
        at(server.host).get("tag")
    assert isinstance(caught.value, Unreachable) == (name in {"in circles", "cut", "unwell", "busy"})


def test_other_content_than_asked_for_by_digest_is_refused() -> None:
    with serving(lambda _: Answer(body=manifest("x"))) as server, pytest.raises(DockwrightError, match="other content"):
        at(server.host).get(documents.digest_of(b"what was asked for"))


def test_a_list_without_end_ends() -> None:
    page = Answer(body=b'{"tags": []}', headers={"Link": '</v2/fleet/things/tags/list?last=x>; rel="next"'})
    with serving(lambda _: page) as server, pytest.raises(DockwrightError, match="list has no end"):
        at(server.host).tags()


@pytest.mark.parametrize("name", ["../up", "/etc/passwd", "..", ".", "", "a\\b", "a\nb", "x" * 300])
def test_a_file_that_would_leave_its_folder_is_refused(name: str) -> None:
    with serving(lambda _: Answer(body=manifest(name))) as server, pytest.raises(DockwrightError, match="no name"):
        artifact.look(at(server.host), "tag")


@pytest.mark.parametrize("body", [b"longer than it said", b"as long", b"shrt"])
def test_a_file_of_other_content_is_not_kept(body: bytes, tmp_path: Path) -> None:
    def answer(one: Request) -> Answer:
        return Answer(body=body if "/blobs/" in one.path else manifest("file", content=b"content"))

    with serving(answer) as server:
        found = artifact.look(at(server.host), "tag")
        assert found is not None
        with pytest.raises(DockwrightError):
            artifact.fetch(at(server.host), found, ["file"], tmp_path / "into")
    assert list((tmp_path / "into").iterdir()) == []


def test_a_blob_that_claims_to_be_huge_is_not_even_asked_for() -> None:
    with serving(lambda _: Answer()) as server, pytest.raises(DockwrightError, match="more than anything"):
        at(server.host).blob(Descriptor(media_type="x", digest=documents.digest_of(b""), size=2**40), 2**20)
    assert server.asked == []


def test_credentials_go_to_the_registry_that_asks_and_to_nobody_else(nobody: Path) -> None:
    logged_in(nobody, "127.0.0.1:1")
    elsewhere = Answer(body=manifest("x"))
    with serving(lambda _: elsewhere) as other:

        def answer(one: Request) -> Answer:
            if one.headers.get("Authorization") != BASIC:
                return Answer(401, headers={"WWW-Authenticate": 'Basic realm="tests"'})
            return Answer(307, headers={"Location": f"http://{other.host}/elsewhere"})

        with serving(answer) as server:
            logged_in(nobody, server.host)
            assert at(server.host).get("tag") is not None
        assert server.credentials() == [BASIC]
        assert other.credentials() == []


def test_an_upload_that_is_led_elsewhere_takes_no_credentials_along(nobody: Path, tmp_path: Path) -> None:
    with serving(lambda _: Answer(201)) as other:

        def answer(one: Request) -> Answer:
            if one.headers.get("Authorization") != BASIC:
                return Answer(401, headers={"WWW-Authenticate": 'Basic realm="tests"'})
            if one.method == "HEAD":
                return Answer(404)
            return Answer(202, headers={"Location": f"http://{other.host}/upload"})

        with serving(answer) as server:
            logged_in(nobody, server.host, other.host)
            artifact.send(at(server.host), File("x", b"content"), lambda _: None)
        assert [one.method for one in other.asked] == ["PUT"]
        assert other.credentials() == []


def test_an_upload_may_be_named_by_its_path_alone() -> None:
    def answer(one: Request) -> Answer:
        if one.method == "HEAD":
            return Answer(404)
        return Answer(202, headers={"Location": "/somewhere?state=a"}) if one.method == "POST" else Answer(201)

    with serving(answer) as server:
        artifact.send(at(server.host), File("x", b"content"), lambda _: None)
    assert server.asked[-1].path.startswith("/somewhere?state=a&digest=sha256")
    assert server.asked[-1].body == b"content"


def test_a_netrc_is_nobodys_business(nobody: Path) -> None:
    with serving(lambda _: Answer(404)) as server:
        (nobody.parent / ".netrc").write_text(f"machine 127.0.0.1 login tester password {PASSWORD}\n")
        assert at(server.host).digest("tag") is None
    assert server.credentials() == []


def test_who_is_not_let_in_is_told_to_log_in(nobody: Path) -> None:
    refused = Answer(401, headers={"WWW-Authenticate": 'Basic realm="tests"'})
    with serving(lambda _: refused) as server:
        with pytest.raises(DockwrightError, match="lets only those in who are logged in") as caught:
            at(server.host).digest("tag")
        assert caught.value.remedy == f"docker login {server.host}"
        logged_in(nobody, server.host)
        with pytest.raises(DockwrightError) as caught:
            at(server.host).digest("tag")
    assert PASSWORD not in f"{caught.value!r}{caught.value.remedy}{caught.value.__cause__!r}"


def test_a_certificate_that_nobody_vouches_for_is_no_reason_to_do_without(tmp_path: Path) -> None:
    with serving(lambda _: Answer(404), certificate(tmp_path)) as server:
        with pytest.raises(Unreachable, match="its certificate is not one that this host trusts") as caught:
            at(server.host).digest("tag")
        assert caught.value.remedy.endswith(f"/etc/docker/certs.d/{server.host}/ca.crt")
    assert server.asked == [], "nothing is said without TLS where TLS is spoken"


@pytest.mark.parametrize("known", ["to the host", "to Docker"])
def test_a_password_goes_to_the_token_service_and_its_token_to_the_registry(
    nobody: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, known: str
) -> None:
    signed = certificate(tmp_path)
    token = Answer(body=b'{"token": "a-token"}')
    with serving(lambda one: token if one.headers.get("Authorization") == BASIC else Answer(401), signed) as tokens:

        def answer(one: Request) -> Answer:
            if one.headers.get("Authorization") == "Bearer a-token":
                return Answer(body=manifest("x"))
            said = f'Bearer realm="https://{tokens.host}/token",service="tests",scope="repository:fleet/things:pull"'
            return Answer(401, headers={"WWW-Authenticate": said})

        with serving(answer, signed) as server:
            logged_in(nobody, server.host)
            if known == "to the host":
                monkeypatch.setenv("SSL_CERT_FILE", str(signed))
            else:
                monkeypatch.setattr(place, "CERTIFICATES", tmp_path)
                (tmp_path / server.host).mkdir()
                (tmp_path / server.host / "ca.crt").write_bytes(signed.read_bytes())
            assert at(server.host).get("tag") is not None
        assert set(server.credentials()) == {"Bearer a-token"}
    assert set(tokens.credentials()) == {BASIC}
    assert "scope=repository%3Afleet%2Fthings%3Apull" in tokens.asked[-1].path


def test_a_registry_that_is_not_there() -> None:
    with pytest.raises(Unreachable, match=r"the registry 127\.0\.0\.1:1 does not answer: Connection refused"):
        at("127.0.0.1:1").digest("tag")


def test_a_helper_of_dockers_is_asked(nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = nobody.parent / "docker-credential-tests"
    helper.write_text(f"""#!/bin/sh
read server
[ "$server" = registry.test ] || {{ echo "credentials not found in native keychain"; exit 1; }}
echo '{{"ServerURL":"registry.test","Username":"tester","Secret":"{PASSWORD}"}}'
""")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{nobody.parent}:/usr/bin:/bin")
    for said in ({"credsStore": "tests"}, {"credHelpers": {"registry.test": "tests"}}):
        nobody.write_text(json.dumps(said))
        found = login.credentials("registry.test")
        assert found == login.Credentials("tester", PASSWORD)
        assert PASSWORD not in repr(found)
    nobody.write_text(json.dumps({"credsStore": "tests"}))
    assert login.credentials("other.test") is None


@pytest.mark.parametrize(
    "config",
    [
        [],
        {"credsStore": "that-is-not-installed"},
        {"auths": {"registry.test": {"auth": "no base64!"}}},
        {"auths": {"registry.test": {"identitytoken": PASSWORD}}},
    ],
)
def test_credentials_that_nobody_can_use_are_said_to_be(nobody: Path, config: object) -> None:
    nobody.write_text(json.dumps(config))
    with pytest.raises(DockwrightError) as caught:
        login.credentials("registry.test")
    assert "docker login" in caught.value.remedy
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("text", ["not json", "{}", '{"auths": {}}', '{"auths": {"other.test": {}}}'])
def test_where_nobody_is_logged_in_there_are_none(nobody: Path, text: str) -> None:
    nobody.write_text(text)
    assert login.credentials("registry.test") is None


GOOD = {"ghcr.io/dockwright": False, "127.0.0.1:5000": True, "localhost/fleet": True, "[::1]:5000/a/b": True}
GOOD |= {"localhost:5000": True, "registry.test:5000/a-b/c__d": False, "10.0.0.7:5000/fleet": False}


@pytest.mark.parametrize("text", GOOD)
def test_a_registry_is_a_host_and_a_path(text: str) -> None:
    found = place.parse(text)
    assert (str(found), found.loopback) == (text, GOOD[text])


BAD = ["", "dockwright", "https://ghcr.io/x", "user:password@ghcr.io/x", "ghcr.io/", "ghcr.io/UPPER", "ghcr.io/a//b"]


@pytest.mark.parametrize("text", [*BAD, "ghcr.io/../x", "ghcr.io/a b", "ghcr.io:port/x", "127.0.0.1.evil.test:x/y"])
def test_what_is_no_registry_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        place.parse(text)


def test_the_registry_is_the_one_that_the_user_names() -> None:
    environ = {"DOCKWRIGHT_REGISTRY": "127.0.0.1:5000/b"}
    assert place.named("127.0.0.1:5000/a", environ) == place.Place("127.0.0.1:5000", "a")
    assert place.named(None, environ) == place.Place("127.0.0.1:5000", "b")
    assert place.named(None, {}) is None


@pytest.mark.parametrize("reference", ["a/b", "../x", "sha256:abc", "a b", "", "x" * 129, "-x"])
def test_what_is_no_tag_never_becomes_part_of_an_address(reference: str) -> None:
    with pytest.raises(UsageError):
        checked(reference)
