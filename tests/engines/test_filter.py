"""The filter in front of a real engine: what it lets through works, and what it refuses leaves no trace."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engines.supervised import IMAGE, SERVICE, Engine, body, import_image, slug, start, until

pytestmark = pytest.mark.engines


class OverUnix(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("docker", timeout=30)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self._path)


class Guard:
    """The filter as its own process; `instances` holds the approved bodies."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.socket = folder / "guard.sock"
        self.instances = folder / "instances"
        self.instances.mkdir()
        self.log = folder / "guard.log"
        env = {
            **os.environ,
            "DOCKWRIGHT_DOCKER_SOCKET": str(engine.socket),
            "DOCKWRIGHT_FILTER_SOCKET": str(self.socket),
            "DOCKWRIGHT_RUN_DIR": str(folder),
        }
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "self_healing_supervisor.filter"]
            self.process = subprocess.Popen(command, cwd=SERVICE, env=env, stdout=log, stderr=log)

    def answers(self) -> bool:
        """Whether it takes connections: its socket is there a moment before it listens."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def ask(self, method: str, target: str, sent: object = None) -> tuple[int, Any]:
        connection = OverUnix(self.socket)
        connection.putrequest(method, target, skip_accept_encoding=True)
        raw = b"" if sent is None else json.dumps(sent).encode()
        connection.putheader("Content-Length", str(len(raw)))
        connection.endheaders(raw)
        answer = connection.getresponse()
        found = answer.read()
        connection.close()
        try:
            return answer.status, json.loads(found)
        except ValueError:
            return answer.status, found


@pytest.fixture
def guard(engine: Engine, tmp_path: Path) -> Iterator[Guard]:
    import_image(engine, tmp_path)
    one = Guard(engine, tmp_path)
    try:
        until(one.answers)
        yield one
    finally:
        one.process.terminate()
        one.process.wait(10)


@pytest.fixture
def service(engine: Engine) -> Iterator[str]:
    """A name that no other test uses; its container is removed afterwards."""
    name = "Guarded" + uuid.uuid4().hex[:8]
    yield name
    engine.docker("rm", "--force", slug(name))


def status(engine: Engine, name: str) -> str:
    return engine.docker("inspect", "--format", "{{.State.Status}}", name).strip()


def test_an_instance_can_be_seen_ended_and_started(guard: Guard, engine: Engine, service: str) -> None:
    ident, name = start(engine, service), slug(service)
    assert name in [one["Names"][0][1:] for one in guard.ask("GET", "/v1.45/containers/json?all=1")[1]]
    found = guard.ask("GET", f"/containers/{name}/json")[1]
    assert (found["Id"], found["State"]["Status"]) == (ident, "running")
    assert found["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    assert "Env" not in found["Config"]
    assert guard.ask("GET", f"/containers/{ident}/stats?stream=0&one-shot=1")[1]["memory_stats"]
    assert guard.ask("GET", f"/containers/{ident}/logs?tail=5&stdout=1")[0] == 200
    assert guard.ask("POST", f"/containers/{ident}/kill?signal=SIGKILL")[0] == 204
    until(lambda: status(engine, name) == "exited")
    assert guard.ask("POST", f"/containers/{name}/start")[0] == 204
    assert status(engine, name) == "running"
    assert guard.ask("POST", f"/containers/{ident}/restart?t=0")[0] == 204
    assert guard.ask("POST", f"/containers/{ident}/stop?t=0")[0] == 204
    assert status(engine, name) == "exited"


def test_events_of_instances_come_and_of_others_do_not(guard: Guard, engine: Engine, service: str) -> None:
    connection = OverUnix(guard.socket)
    connection.request("GET", "/events")
    stream = connection.getresponse()
    engine.docker("run", "--rm", IMAGE, "/bin/busybox", "true")
    start(engine, service)
    engine.docker("exec", slug(service), "/bin/busybox", "true")
    engine.docker("kill", slug(service))
    seen: list[tuple[str, str]] = []
    while not seen or seen[-1][1] != "die":
        event = json.loads(stream.readline())
        seen.append((event["Actor"]["Attributes"]["name"], event["Action"]))
    connection.close()
    assert [action for name, action in seen if name == slug(service)] == ["create", "start", "kill", "die"]
    assert {name for name, _ in seen} == {slug(service)}


def test_a_container_without_the_labels_is_out_of_reach(guard: Guard, engine: Engine) -> None:
    name = f"dockwright-foreign-{uuid.uuid4().hex[:8]}"
    ident = engine.docker("run", "--detach", "--name", name, IMAGE, "/bin/busybox", "sleep", "600").strip()
    try:
        for ref in (ident, name, ident[:12]):
            for method, verb in (
                ("GET", "json"),
                ("GET", "logs?tail=5&stdout=1"),
                ("GET", "stats?stream=0"),
                ("POST", "kill?signal=SIGKILL"),
                ("POST", "stop?t=0"),
                ("POST", "restart?t=0"),
            ):
                assert guard.ask(method, f"/containers/{ref}/{verb}")[0] == 403, (ref, verb)
        assert status(engine, name) == "running"
        assert name not in str(guard.ask("GET", "/containers/json?all=1")[1])
    finally:
        engine.docker("rm", "--force", name)


def test_only_what_the_operator_approved_is_created(guard: Guard, engine: Engine, service: str) -> None:
    name = slug(service)
    target = f"/v1.45/containers/create?name={name}"
    assert guard.ask("POST", target, body(service))[0] == 403
    (guard.instances / f"{name}.json").write_text(json.dumps(body(service)))
    for change in ({"Privileged": True}, {"Binds": ["/:/host"]}, {"PidMode": "host"}, {"CapAdd": ["ALL"]}):
        evil = body(service)
        evil["HostConfig"] |= change
        assert guard.ask("POST", target, evil)[0] == 403
    assert guard.ask("POST", target, {**body(service), "Cmd": ["/bin/sh"]})[0] == 403
    assert name not in engine.docker("ps", "--all", "--format", "{{.Names}}")
    assert guard.ask("POST", target, body(service))[0] == 201
    assert guard.ask("POST", f"/containers/{name}/start")[0] == 204
    found = json.loads(engine.docker("inspect", name))[0]
    assert found["HostConfig"]["Privileged"] is False
    assert guard.ask("POST", target, body(service))[0] == 409


def test_the_rest_of_the_engine_does_not_exist(guard: Guard, engine: Engine, service: str) -> None:
    ident = start(engine, service)
    before = engine.docker("images", "--quiet"), engine.docker("volume", "ls"), engine.docker("network", "ls")
    for method, target, sent in (
        ("POST", f"/containers/{ident}/exec", {"Cmd": ["sh"]}),
        ("POST", f"/containers/{ident}/attach?stream=1", None),
        ("GET", f"/containers/{ident}/archive?path=/", None),
        ("GET", f"/containers/{ident}/export", None),
        ("POST", f"/containers/{ident}/update", {"Memory": 0}),
        ("POST", f"/containers/{ident}/rename?name=x", None),
        ("DELETE", f"/containers/{ident}?force=1", None),
        ("POST", "/images/create?fromImage=x", None),
        ("DELETE", f"/images/{IMAGE}?force=1", None),
        ("POST", "/build", None),
        ("POST", f"/commit?container={ident}", {}),
        ("POST", "/volumes/create", {"Name": "x"}),
        ("POST", "/networks/create", {"Name": "x"}),
        ("POST", "/swarm/init", {"ListenAddr": "0.0.0.0:2377"}),
        ("GET", "/info", None),
        ("GET", "/containers/%2e%2e/info", None),
    ):
        assert guard.ask(method, target, sent)[0] in (403, 413), target
    assert status(engine, ident) == "running"
    assert before == (engine.docker("images", "--quiet"), engine.docker("volume", "ls"), engine.docker("network", "ls"))
    refused = [json.loads(line) for line in guard.log.read_text().splitlines() if "refused" in line]
    assert len(refused) == 16
    assert all(row["why"] for row in refused)


def test_the_docker_client_itself_understands_its_refusals(guard: Guard, engine: Engine, service: str) -> None:
    start(engine, service)
    run = subprocess.run(
        ["docker", "--host", f"unix://{guard.socket}", "exec", slug(service), "/bin/sh"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode != 0
    assert "is not on the list" in run.stderr
