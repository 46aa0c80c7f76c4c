"""The fleet's shape: the known ways out of a container are not in it, in no spelling and at no depth."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from bodies import BODY
from hypothesis import given, settings
from hypothesis import strategies as st
from self_healing_supervisor.filter.rules import Refused
from self_healing_supervisor.filter.shape import rebuilt

NAME = "dockwright-alpha"
MADE = rebuilt(BODY, NAME)


def changed(path: str, value: object) -> dict[str, Any]:
    """BODY with something else at a path of keys with slashes between."""
    body = deepcopy(BODY)
    *way, last = path.split("/")
    place: Any = body
    for key in way:
        place = place[int(key) if key.isdigit() else key]
    place[last] = value
    return body


def bind(source: str, target: str = "/run/dockwright", **more: object) -> list[dict[str, Any]]:
    return [{"Type": "bind", "Source": source, "Target": target, "ReadOnly": True, **more}]


def volume(source: str = "dockwright_alpha-state", target: str = "/state", **more: object) -> list[dict[str, Any]]:
    return [{"Type": "volume", "Source": source, "Target": target, **more}]


LOCAL_BIND = {"Name": "local", "Options": {"type": "none", "o": "bind", "device": "/"}}
HOST: dict[str, list[object]] = {
    "Privileged": [True, 1, "true"],
    "Binds": [[], None, ["/:/host"], ["dockwright_alpha-state:/state"]],
    "Mounts": [
        bind("/"),
        bind("/var/run/docker.sock", "/var/run/docker.sock"),
        bind("/etc/rollout/run", "/etc"),
        bind("/x/rollout/run", "/run/dockwright/../../etc"),
        bind("/x/../etc/rollout/run"),
        bind("/./rollout/run"),
        bind("rollout/run"),
        bind("/rollout/run/.."),
        bind("/x/rollout/run\0"),
        bind("/x/rollout/run\n"),
        bind("/x/rollout/secrets/.."),
        bind("/x/rollout/secrets/a", "/run/secrets/b"),
        bind("/x/rollout/run", ReadOnly=False),
        bind("/x/rollout/run", ReadOnly=1),
        bind("/x/rollout/run", BindOptions={"Propagation": "rshared"}),
        bind("/x/rollout/run", BindOptions={"NonRecursive": True}),
        volume(VolumeOptions={"DriverConfig": LOCAL_BIND}),
        volume(VolumeOptions={}),
        volume("dockwright_beta-state"),
        volume("dockwright_docker-filter", "/run/docker-filter"),
        volume("dockwright_docker-filter", "/state"),
        volume("dockwright_run", "/run/dockwright"),
        volume("dockwright_secrets", "/run/dockwright", ReadOnly=True),
        volume("dockwright_beta-state", "/run/secrets", ReadOnly=True),
        volume("somebody-elses"),
        volume(""),
        volume("/"),
        volume(target="/etc"),
        [{"Type": "npipe", "Source": "a", "Target": "/state"}],
        [{"Type": "cluster", "Source": "dockwright_alpha-state", "Target": "/state"}],
        [{"Type": "tmpfs", "Target": "/etc"}],
        [{"Type": "image", "Source": "x", "Target": "/state"}],
        volume() * 9,
        {"Type": "volume"},
    ],
    "VolumesFrom": [[], ["dockwright-docker-filter"]],
    "VolumeDriver": ["local", "evil"],
    "NetworkMode": [
        "host",
        "container:dockwright-docker-filter",
        "none",
        "default",
        "bridge",
        "dockwright/x",
        "",
        None,
    ],
    "PidMode": ["host", "container:a", ""],
    "IpcMode": ["host", "shareable", "container:a"],
    "UTSMode": ["host"],
    "UsernsMode": ["host"],
    "CgroupnsMode": ["host"],
    "CgroupParent": ["/", "system.slice"],
    "Cgroup": ["container:a"],
    "CapAdd": [["ALL"], ["SYS_ADMIN"], [], None],
    "CapDrop": [[], None, ["NET_RAW"], ["ALL", "ALL"], ["all"]],
    "SecurityOpt": [
        [],
        None,
        ["no-new-privileges:false"],
        ["seccomp=unconfined"],
        ["no-new-privileges:true", "apparmor=unconfined"],
        ["label:disable"],
        ["systempaths=unconfined"],
    ],
    "Devices": [[{"PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda", "CgroupPermissions": "rwm"}], []],
    "DeviceCgroupRules": [["a *:* rwm"]],
    "DeviceRequests": [
        [{"Driver": "cdi", "DeviceIDs": ["vendor.test/device=all"], "Capabilities": [["gpu"]]}],
        [{"Driver": "nvidia", "DeviceIDs": ["all"], "Capabilities": [["gpu"]]}],
        [{"Driver": "nvidia", "Count": 5, "Capabilities": [["gpu"]]}],
        [{"Driver": "nvidia", "Capabilities": [["gpu", "display"]]}],
        [{"Driver": "nvidia", "Capabilities": [["gpu"]], "Options": {"a": "b"}}],
        [{"Driver": "nvidia", "Capabilities": [["gpu"]]}] * 2,
    ],
    "Runtime": ["runc", "sysbox", "io.containerd.runc.v2"],
    "Isolation": ["default"],
    "Memory": [0, -1, 1, 2**60, "128m", 134217728.0, True, None],
    "MemorySwap": [-1, 0, 268435456],
    "MemorySwappiness": [100],
    "OomKillDisable": [True],
    "OomScoreAdj": [-1000],
    "PidsLimit": [0, -1, None, 10**7],
    "NanoCpus": [0, -1, 10**15],
    "CpusetCpus": ["0"],
    "CpuRealtimeRuntime": [950_000],
    "Sysctls": [{"kernel.core_pattern": "|/x"}],
    "Ulimits": [[{"Name": "nofile", "Soft": 1, "Hard": 1}]],
    "Links": [["dockwright-docker-filter:a"]],
    "ExtraHosts": [["a:1.2.3.4"]],
    "Dns": [["1.2.3.4"]],
    "GroupAdd": [["0"]],
    "Tmpfs": [{"/tmp": ""}, {"/tmp": "size=16m,mode=1777,exec,suid,dev"}, {"/etc": "size=16m"}, {"/tmp": "rw"}],
    "RestartPolicy": [{"Name": "always"}, {"Name": "no", "MaximumRetryCount": 5}, {"Name": ""}],
    "ReadonlyRootfs": [False, 0, None],
    "ReadonlyPaths": [[]],
    "MaskedPaths": [[]],
    "LogConfig": [
        {"Type": "syslog", "Config": {"syslog-address": "tcp://x"}},
        {"Type": "json-file", "Config": {"labels": "x"}},
        {"Type": "json-file", "Config": {"max-size": "5m", "tag": "x"}},
    ],
    "PortBindings": [
        {"22/tcp": [{"HostIp": "0.0.0.0", "HostPort": "22"}]},
        {"7200/tcp": [{"HostIp": "host", "HostPort": "7200"}]},
        {"7200/udp": [{"HostIp": "127.0.0.1", "HostPort": "7200"}]},
        {"7200/tcp": [{"HostIp": "127.0.0.1", "HostPort": "7200-7300"}]},
    ],
    "PublishAllPorts": [True],
    "AutoRemove": [True],
    "StorageOpt": [{"size": "1T"}],
    "Init": [True],
    "ShmSize": [2**40],
    "Annotations": [{"io.x": "y"}],
    "ConsoleSize": [[0, 0]],
}
TOP: dict[str, list[object]] = {
    "Image": [
        "alpha",
        "alpha:latest",
        "ghcr.io/dockwright/alpha:20261124-mainpc",
        f"alpha@sha256:{'1' * 63}",
        f"alpha@sha512:{'1' * 64}",
        f"alpha@sha256:{'1' * 64}\n",
        f"ALPHA@sha256:{'1' * 64}",
        "",
        None,
    ],
    "User": ["0", "0:0", "root", "10001:0", "10001", "", None],
    "Env": [["LD_PRELOAD=/state/x.so"], ["DOCKWRIGHT_PEERS={}", "A=b"], ["DOCKWRIGHT_PEERS={}\0A=b"], "x", None],
    "Cmd": [["sh"], None],
    "Entrypoint": [["sh"], []],
    "WorkingDir": ["/"],
    "Volumes": [{"/etc": {}}],
    "Healthcheck": [{"Test": ["CMD-SHELL", "evil"]}],
    "Shell": [["sh"]],
    "OnBuild": [["RUN x"]],
    "Hostname": ["x"],
    "MacAddress": ["02:42:ac:11:00:02"],
    "Tty": [True],
    "OpenStdin": [True],
    "NetworkDisabled": [False],
    "StopSignal": ["SIGKILL"],
    "StopTimeout": [0, 10**6, -1],
    "ExposedPorts": [{"x": {}}, {"7200/tcp": {"a": 1}}],
    "Labels": [
        {},
        {**BODY["Labels"], "io.dockwright.role": "filter"},
        {**BODY["Labels"], "io.dockwright.fleet": "other"},
        {**BODY["Labels"], "org.opencontainers.image.title": "mainpc/Other"},
        {**BODY["Labels"], "a": "b"},
        {**BODY["Labels"], "io.dockwright.service": 5},
    ],
    "NetworkingConfig": [
        {"EndpointsConfig": {"host": {}}},
        {"EndpointsConfig": {"dockwright-other": {}}},
        {"EndpointsConfig": {}},
        {"EndpointsConfig": {"dockwright": {"IPAMConfig": {"IPv4Address": "1.2.3.4"}}}},
        {"EndpointsConfig": {"dockwright": {"DriverOpts": {"a": "b"}}}},
        {"EndpointsConfig": {"dockwright": {"Links": ["a:b"]}}},
        {"EndpointsConfig": {"dockwright": {"Aliases": ["a b"]}}},
        None,
    ],
}
WAYS_OUT = [(f"HostConfig/{key}", value) for key, values in HOST.items() for value in values]
WAYS_OUT += [(key, value) for key, values in TOP.items() for value in values]


@pytest.mark.parametrize(("path", "value"), WAYS_OUT, ids=lambda value: str(value)[:60])
def test_a_way_out(path: str, value: object) -> None:
    with pytest.raises(Refused):
        rebuilt(changed(path, value), NAME)


@pytest.mark.parametrize(("path", "value"), WAYS_OUT[:200:5], ids=lambda value: str(value)[:60])
def test_a_way_out_in_another_spelling(path: str, value: object) -> None:
    """The engine takes each of these for the key itself."""
    head, slash, key = path.rpartition("/")
    for spelt in {key.lower(), key.upper(), key.swapcase(), key[0].lower() + key[1:]}:
        with pytest.raises(Refused):
            rebuilt(changed(f"{head}{slash}{spelt}", value), NAME)
    with pytest.raises(Refused):
        rebuilt({**BODY, "hostconfig": {**BODY["HostConfig"], key: value}}, NAME)


@pytest.mark.parametrize("body", [None, [], 5, "x", {}, {"Image": BODY["Image"]}, {1: 2}])
def test_what_is_no_body(body: object) -> None:
    with pytest.raises(Refused):
        rebuilt(body, NAME)


def test_what_is_asked_for_comes_out_and_what_confines_is_always_there() -> None:
    for key, value in BODY.items():
        if key != "HostConfig":
            assert MADE[key] == value
    assert MADE["HostConfig"] == {
        **BODY["HostConfig"],
        "Privileged": False,
        "DeviceRequests": [{"Driver": "nvidia", "Count": 0, "DeviceIDs": ["0"], "Capabilities": [["gpu"]]}],
    }
    bare = deepcopy(BODY)
    for key in ("CapDrop", "SecurityOpt", "ReadonlyRootfs", "RestartPolicy"):
        del bare["HostConfig"][key]
    del bare["User"]
    assert rebuilt(bare, NAME) == MADE


def test_the_state_of_another_container_is_not_shown() -> None:
    with pytest.raises(Refused, match="another one's state"):
        rebuilt(BODY, "dockwright-beta")


def test_another_image_changes_the_image_and_what_compose_knows_of_it() -> None:
    image = f"r.test/fleet/alpha@sha256:{'2' * 64}"
    made = rebuilt(BODY, NAME, image)
    assert made["Image"] == image
    assert made["Labels"]["com.docker.compose.image"] == f"sha256:{'2' * 64}"
    with pytest.raises(Refused):
        rebuilt(BODY, NAME, "r.test/fleet/alpha:latest")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = sorted({"HostConfig", "NetworkingConfig", *HOST, *TOP})


def places(body: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a body, by its path."""
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    return [path, *(found for key, value in inner for found in places(value, (*path, key)))]


PLACES = [path for path in places(BODY) if path]


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(PLACES), anything, st.sampled_from([*KEYS, *(key.lower() for key in KEYS)]), st.booleans())
def test_whatever_is_put_wherever_the_confinement_holds(
    path: tuple[Any, ...], value: object, key: str, beside: bool
) -> None:
    """A value replaces another, or stands beside it under some key that the engine knows."""
    body = deepcopy(BODY)
    place: Any = body
    for step in path[:-1]:
        place = place[step]
    if beside and isinstance(place, dict):
        place[key] = value
    else:
        place[path[-1]] = value
    try:
        made = rebuilt(body, NAME)
    except Refused:
        return
    host, sure = made["HostConfig"], MADE["HostConfig"]
    assert host.keys() == sure.keys() and made.keys() == MADE.keys()
    for name in ("Privileged", "CapDrop", "SecurityOpt", "ReadonlyRootfs", "RestartPolicy"):
        assert json.dumps(host[name]) == json.dumps(sure[name])
    assert made["User"] == "10001:10001"
    assert "sha256:" in made["Image"]
    assert host["NetworkMode"].startswith("dockwright")
    assert 0 < host["Memory"] == host["MemorySwap"] and host["PidsLimit"] >= 8
    for mount in host["Mounts"]:
        assert mount.keys() == {"Type", "Source", "Target", "ReadOnly"}
        assert mount["ReadOnly"] is True or (mount["Type"], mount["Target"]) == ("volume", "/state")


@settings(max_examples=200, deadline=None)
@given(anything)
def test_anything_at_all_is_refused(body: object) -> None:
    with pytest.raises(Refused):
        rebuilt(body, NAME)
