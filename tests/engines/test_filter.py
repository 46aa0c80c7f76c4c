"""The filter in front of a real engine: what it lets through works, and what it refuses leaves no trace."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engines.guarded import Guard, OverUnix, guarding
from engines.registry import Registry
from engines.supervised import IMAGE, Engine, body, import_image, pushed, slug, start, until

pytestmark = pytest.mark.engines


@pytest.fixture
def guard(engine: Engine, tmp_path: Path) -> Iterator[Guard]:
    import_image(engine, tmp_path)
    with guarding(engine, tmp_path) as one:
        yield one


@pytest.fixture
def service(engine: Engine, network: str) -> Iterator[str]:
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


def test_only_what_the_operator_approved_is_created(
    guard: Guard, engine: Engine, service: str, network: str, tmp_path: Path
) -> None:
    name, wanted = slug(service), body(service, import_image(engine, tmp_path), network)
    target = f"/v1.45/containers/create?name={name}"
    assert guard.ask("POST", target)[0] == 403
    for change in WAYS_OUT:
        guard.approve(name, {**wanted, "HostConfig": {**wanted["HostConfig"], **change}})
        assert guard.ask("POST", target)[0] == 403, change
        assert guard.ask("POST", target, {"HostConfig": change})[0] == 413
    for change in ({"Cmd": ["/bin/sh"]}, {"User": "0:0"}, {"Image": IMAGE}, {"Volumes": {"/etc": {}}}):
        guard.approve(name, {**wanted, **change})
        assert guard.ask("POST", target)[0] == 403, change
    guard.approve(name, wanted)
    assert name not in engine.docker("ps", "--all", "--format", "{{.Names}}")
    assert guard.ask("POST", target)[0] == 201
    assert guard.ask("POST", f"/containers/{name}/start")[0] == 204
    assert guard.ask("POST", target)[0] == 409
    confined(engine, name)


def confined(engine: Engine, name: str) -> None:
    """What the engine and the kernel say of a container that the filter let somebody make."""
    found = json.loads(engine.docker("inspect", name))[0]
    host = found["HostConfig"]
    assert (host["Privileged"], host["CapAdd"], host["CapDrop"]) == (False, None, ["ALL"])
    assert host["ReadonlyRootfs"] and not (host["Binds"] or host["Devices"])
    assert (host["PidMode"], host["UTSMode"], host["UsernsMode"], host["IpcMode"]) == ("", "", "", "private")
    said = Path(f"/proc/{found['State']['Pid']}/status").read_text()
    seen = dict(line.split(":\t", 1) for line in said.splitlines() if ":\t" in line)
    assert seen["CapEff"] == seen["CapBnd"] == "0000000000000000"
    assert (seen["NoNewPrivs"], seen["Uid"].split()[0]) == ("1", "10001")
    assert seen["Seccomp"] == "2" or "seccomp" not in engine.docker("info", "--format", "{{.SecurityOptions}}")


WAYS_OUT: list[dict[str, Any]] = [
    {"Privileged": True},
    {"privileged": True},
    {"Binds": ["/:/host"]},
    {"binds": ["/:/host"]},
    {"Mounts": [{"Type": "bind", "Source": "/", "Target": "/run/dockwright", "ReadOnly": True}]},
    {"Mounts": [{"Type": "volume", "Source": "dockwright_docker-filter", "Target": "/state"}]},
    {
        "Mounts": [
            {
                "Type": "volume",
                "Source": "dockwright_x-state",
                "Target": "/state",
                "VolumeOptions": {
                    "DriverConfig": {"Name": "local", "Options": {"type": "none", "o": "bind", "device": "/"}}
                },
            }
        ]
    },
    {"VolumesFrom": ["dockwright-docker-filter"]},
    {"NetworkMode": "host"},
    {"NetworkMode": "container:dockwright-docker-filter"},
    {"PidMode": "host"},
    {"IpcMode": "host"},
    {"UTSMode": "host"},
    {"UsernsMode": "host"},
    {"CgroupParent": "/"},
    {"CapAdd": ["SYS_ADMIN"]},
    {"SecurityOpt": ["seccomp=unconfined"]},
    {"Devices": [{"PathOnHost": "/dev/kmsg", "PathInContainer": "/dev/kmsg", "CgroupPermissions": "rwm"}]},
    {"DeviceCgroupRules": ["a *:* rwm"]},
    {"Runtime": "io.containerd.runc.v2"},
    {"Sysctls": {"net.ipv4.ip_forward": "1"}},
    {"Ulimits": [{"Name": "nofile", "Soft": 10**6, "Hard": 10**6}]},
    {"RestartPolicy": {"Name": "always"}},
    {"Memory": 0},
    {"PidsLimit": -1},
]


def test_an_image_comes_from_the_fleets_registry_by_digest_and_for_its_own_instance(
    guard: Guard, engine: Engine, service: str, network: str, registry: Registry, tmp_path: Path
) -> None:
    name, own = slug(service), import_image(engine, tmp_path)
    guard.approve(name, body(service, own, network))
    good = pushed(engine, tmp_path, registry.place, service)
    other = pushed(engine, tmp_path, registry.place, service, title="mainpc/Other")
    pull = f"/images/create?name={name}&digest="
    assert guard.ask("POST", pull + good)[0] == 403  # nobody said from where
    guard.follow(str(registry.place))
    assert guard.ask("GET", f"/images/json?name={name}&digest={good}")[0] == 404
    assert guard.ask("POST", pull + good)[0] == 200
    assert guard.ask("GET", f"/images/json?name={name}&digest={good}")[0] == 200
    status_of, told = guard.ask("POST", pull + other)
    assert (status_of, "is not one of" in told["message"]) == (403, True)
    status_of, told = guard.ask("POST", pull + "0" * 64)
    assert status_of == 502
    assert "does not come" in told["message"] and "not found" in told["message"]
    assert guard.ask("POST", f"/containers/create?name={name}&digest={other}")[0] == 403
    assert guard.ask("POST", f"/containers/create?name={name}&digest={good}")[0] == 201
    assert guard.ask("POST", f"/containers/{name}/start")[0] == 204
    confined(engine, name)
    assert json.loads(engine.docker("inspect", name))[0]["Config"]["Image"].endswith(f"/{name[11:]}@sha256:{good}")
    assert guard.ask("POST", f"/images/tag?name={name}&digest={good}")[0] == 201
    assert engine.docker("image", "inspect", "--format", "{{.Id}}", f"{registry.place}/{name[11:]}:mainpc-prev")
    assert guard.ask("DELETE", f"/containers/{name}")[0] == 409  # it runs
    assert guard.ask("POST", f"/containers/{name}/kill?signal=SIGKILL")[0] == 204
    until(lambda: status(engine, name) == "exited")
    assert guard.ask("DELETE", f"/containers/{name}")[0] == 204
    assert name not in engine.docker("ps", "--all", "--format", "{{.Names}}")


def owned(engine: Engine) -> list[list[str]]:
    """Images, volumes and networks; the engine lists images of one age in any order."""
    asked = (("images", "--quiet", "--no-trunc"), ("volume", "ls"), ("network", "ls"))
    return [sorted(engine.docker(*words).splitlines()) for words in asked]


def test_the_rest_of_the_engine_does_not_exist(guard: Guard, engine: Engine, service: str) -> None:
    ident = start(engine, service)
    before = owned(engine)
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
    assert owned(engine) == before
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
