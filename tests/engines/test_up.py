"""The fleet from nothing to running and back, on a real engine, as its user types it; and broken on purpose."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dockwright.engine import daemon, find
from engines.conftest import Machine, Running
from engines.fleet import ROOT, SLICE, Fleet, container, get
from engines.supervised import until

pytestmark = [pytest.mark.engines, pytest.mark.timeout(900)]
FILTER = "dockwright-docker-filter"


@pytest.fixture(scope="module")
def slice_(engine: Running, machine: Machine) -> Iterator[Fleet]:
    """The slice, up and healthy; each test leaves it so, and the engine running."""
    fleet = Fleet(engine.client)
    done = fleet.run("up")
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    yield fleet
    fleet.run("down", "--keep-engine", "--delete-state")
    daemon.start(find.own_daemon(), machine.client, machine.say)


@pytest.fixture
def fleet(slice_: Fleet) -> Iterator[Fleet]:
    yield slice_
    if not slice_.well():
        slice_.up()


def test_five_instances_are_healthy_and_the_rest_is_named(fleet: Fleet) -> None:
    seen = fleet.status()
    assert {row["service"]: row["state"] for row in seen["instances"]} == dict.fromkeys(SLICE, "healthy")
    assert len(seen["instances"]) + len(seen["left_out"]) == 66
    assert all(row["git_sha"] and row["image_digest"].startswith("sha256:") for row in seen["instances"])
    told = fleet.run("status")
    assert told.returncode == 0
    assert "5 of 5 healthy on mainpc" in told.stdout
    assert "59 instances left out, not implemented yet" in told.stdout


def test_up_again_does_nothing(fleet: Fleet) -> None:
    before = {name: fleet.inspect(name)["Id"] for name in SLICE}
    done = fleet.run("up")
    assert done.returncode == 0
    assert "nothing to do: 5 of 5 healthy" in done.stdout
    assert before == {name: fleet.inspect(name)["Id"] for name in SLICE}
    assert fleet.up()["changed"] is False


def test_the_services_know_each_other(fleet: Fleet) -> None:
    def registered() -> bool:
        found = get("ServiceRegistry", "/v1/registrations")
        return found is not None and {one["service"] for one in found["registrations"]} == set(SLICE)

    def observed() -> bool:
        found = get("UnifiedObservabilityCenter", "/v1/instances")
        return found is not None and [one["match"] for one in found["instances"]] == [True] * 5

    until(registered)
    until(observed)
    page = get("UnifiedObservabilityCenter", "/")
    assert page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>")
    assert get("SystemDigitalTwin", "/v1/machines") is not None
    sbom = get("ServiceRegistry", "/info", health=True)["sbom_digest"]
    until(lambda: get("UnifiedObservabilityCenter", f"/v1/sboms/{sbom}") is not None)


def test_what_was_rendered_works_by_hand(fleet: Fleet) -> None:
    """Docker's own tool starts it again, waits for every health, the filter's too, and calls it a success."""
    file = Path(os.environ["DOCKWRIGHT_STATE"]) / "rollout" / "compose.yaml"
    compose = ("compose", "--file", str(file), "--progress", "plain")
    fleet.docker.run(*compose, "down", timeout=120)
    assert fleet.docker.run("ps", "--quiet") == ""
    fleet.docker.run(*compose, "up", "--detach", "--wait", timeout=120)
    ids = fleet.docker.run("ps", "--all", "--quiet", "--filter", "label=io.dockwright.fleet=dockwright").split()
    states: list[Any] = [one["State"] for one in fleet.docker.inspect("container", ids)]
    assert [state["Health"]["Status"] for state in states] == ["healthy"] * 6
    until(fleet.well)
    assert fleet.up()["changed"] is False


def test_every_container_is_confined(fleet: Fleet) -> None:
    ids = fleet.docker.run("ps", "--all", "--quiet", "--filter", "label=io.dockwright.fleet=dockwright").split()
    found = fleet.docker.inspect("container", ids)
    assert len(found) == 6
    for one in found:
        host = one["HostConfig"]
        assert isinstance(host, dict)
        config = one["Config"]
        assert isinstance(config, dict)
        assert host["ReadonlyRootfs"] is True
        assert host["CapDrop"] == ["ALL"]
        assert host["Privileged"] is False
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert 0 < host["Memory"] <= 256 * 2**20
        assert 0 < host["PidsLimit"] <= 256
        assert config["User"] == "10001:10001"
        mounts = one["Mounts"]
        assert isinstance(mounts, list)
        assert not any(mount["RW"] for mount in mounts if mount["Type"] == "bind")
        sees_engine = any(mount["Destination"] == "/var/run/docker.sock" for mount in mounts)
        assert sees_engine == (one["Name"] == f"/{FILTER}")
        addresses = {port["HostIp"] for ports in (host["PortBindings"] or {}).values() for port in ports}
        assert addresses <= {"127.0.0.1"}
        assert "token" not in json.dumps(config["Env"]).lower()


@pytest.mark.parametrize("how", ["crash", "hang", "removed"])
def test_a_broken_instance_is_healed_with_evidence(fleet: Fleet, how: str) -> None:
    victim = "ServiceRegistry"
    before = fleet.worker(victim)
    known = {one["id"] for one in get("SelfHealingSupervisor", "/v1/evidence")["evidence"]}
    if how == "removed":
        fleet.docker.run("rm", "--force", container(victim))
    else:
        os.kill(before, signal.SIGKILL if how == "crash" else signal.SIGSTOP)

    def healed() -> bool:
        up = get(victim, "/health", health=True)
        return up is not None and fleet.worker(victim) not in (0, before)

    until(healed)
    new = [one for one in get("SelfHealingSupervisor", "/v1/evidence")["evidence"] if one["id"] not in known]
    kind = {"crash": "crashed", "hang": "hung", "removed": "removed"}[how]
    assert [(one["service"], one["kind"]) for one in new] == [(victim, kind)]

    def told() -> bool:
        found = get("UnifiedObservabilityCenter", f"/v1/events?service={victim}&kind=healed")
        return bool(found and found["events"])

    until(told)
    until(fleet.well)


def test_what_a_person_stops_stays_stopped_until_up(fleet: Fleet) -> None:
    victim = "SystemDigitalTwin"
    fleet.docker.run("stop", container(victim))
    until(lambda: get("SelfHealingSupervisor", "/v1/holds") != [])
    time.sleep(5)  # Longer than any restart that would come if the stop were not respected.
    assert fleet.state_of(victim) == "stopped"
    done = fleet.run("status")
    assert done.returncode == 1
    assert "exit code" in done.stdout
    assert fleet.up()["healthy"] == 5


def test_logs_are_readable_and_bounded(fleet: Fleet) -> None:
    done = fleet.run("logs", "ServiceRegistry", "--lines", "5")
    assert done.returncode == 0
    assert 1 <= len(done.stdout.splitlines()) <= 5
    assert "ServiceRegistry" in done.stdout
    wrong = fleet.run("logs", "ServiceRegistri")
    assert wrong.returncode == 2
    assert "ServiceRegistry" in wrong.stderr


def test_a_port_that_is_taken_is_named_and_nothing_is_touched(fleet: Fleet) -> None:
    fleet.run("down", "--keep-engine")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 7200))
        other.listen()
        done = fleet.run("up")
    assert done.returncode == 1
    assert "ports of this host are taken: 7200 for ServiceRegistry (service): " in done.stderr
    assert f"(process {os.getpid()})" in done.stderr
    assert "Traceback" not in done.stderr
    assert fleet.docker.run("ps", "--quiet") == ""


def test_down_leaves_what_is_not_the_fleets(fleet: Fleet) -> None:
    image = fleet.inspect("ServiceRegistry")["Config"]["Image"]
    fleet.docker.run("run", "--detach", "--name", "somebody-elses", image, "sleep", "600")
    try:
        done = fleet.run("down", "--keep-engine")
        assert "stopped 6 containers" in done.stdout
        assert fleet.docker.run("ps", "--format", "{{.Names}}").split() == ["somebody-elses"]
        assert "dockwright_service-registry-state" in fleet.docker.run("volume", "ls", "--quiet")
    finally:
        fleet.docker.run("rm", "--force", "somebody-elses")


@contextmanager
def started(fleet: Fleet, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A verb that runs beside the test; it is ended whatever happens."""
    with fleet.start(*words) as running:
        try:
            yield running
        finally:
            running.kill()


@pytest.mark.parametrize("victim", ["supervisor", "service", "engine", "tool"])
def test_up_ends_healthy_after_a_kill_while_it_ran(fleet: Fleet, victim: str) -> None:
    fleet.run("down", "--keep-engine")
    with started(fleet, "up") as running:
        until(lambda: _there(fleet, "ServiceRegistry"))
        if victim == "tool":
            os.killpg(running.pid, signal.SIGKILL)
        elif victim == "engine":
            number = find.own_daemon().pid()
            assert number is not None
            os.kill(number, signal.SIGKILL)
        else:
            name = "SelfHealingSupervisor" if victim == "supervisor" else "ServiceRegistry"
            until(lambda: _there(fleet, name))
            process = fleet.worker(name)
            if process:
                os.kill(process, signal.SIGKILL)
        output, _ = running.communicate(timeout=180)
    assert "Traceback" not in output
    assert fleet.up()["healthy"] == 5
    assert fleet.well()


def _there(fleet: Fleet, service: str) -> bool:
    found = fleet.docker.inspect("container", [container(service)])
    state = found[0]["State"] if found else {}
    return bool(isinstance(state, dict) and state.get("Running"))


def test_ctrl_c_says_how_to_go_on(fleet: Fleet) -> None:
    fleet.run("down", "--keep-engine")
    with started(fleet, "up") as running:
        until(lambda: _there(fleet, "ServiceRegistry"))
        running.send_signal(signal.SIGINT)
        output, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "run the same command again" in output
    assert fleet.up()["healthy"] == 5


def test_a_service_that_cannot_start_is_told_and_the_others_run(fleet: Fleet, tmp_path: Path) -> None:
    copy = _checkout(tmp_path)
    app = copy / "fleet/services/SystemDigitalTwin/system_digital_twin/app.py"
    app.write_text(app.read_text() + '\nraise RuntimeError("broken on purpose")\n')
    done = Fleet(fleet.docker, copy).run("up")
    assert done.returncode == 1
    assert "SystemDigitalTwin: " in done.stdout
    assert "broken on purpose" in done.stdout
    assert "4 of 5 healthy" in done.stdout
    assert fleet.up()["healthy"] == 5


def test_a_build_that_fails_changes_nothing(fleet: Fleet, tmp_path: Path) -> None:
    copy = _checkout(tmp_path)
    lock = copy / "fleet/services/SystemDigitalTwin/requirements.lock"
    pin = re.compile(r"^prometheus-client==(.+\n)+?(?=\S)", re.MULTILINE)
    lock.write_text(pin.sub(lambda found: re.sub(r"sha256:.{8}", "sha256:00000000", found[0]), lock.read_text()))
    before = {name: fleet.inspect(name)["Id"] for name in SLICE}
    done = Fleet(fleet.docker, copy).run("up")
    assert done.returncode == 1
    assert "the build failed" in done.stderr
    assert "prometheus" in done.stderr
    assert "Traceback" not in done.stderr
    assert before == {name: fleet.inspect(name)["Id"] for name in SLICE}
    assert fleet.well()


def test_a_changed_line_rebuilds_and_replaces_that_instance_only(fleet: Fleet, tmp_path: Path) -> None:
    copy = _checkout(tmp_path)
    app = copy / "fleet/services/SystemDigitalTwin/system_digital_twin/app.py"
    app.write_text(app.read_text() + "\n# another line\n")
    before = {name: fleet.inspect(name)["Id"] for name in SLICE}
    done = Fleet(fleet.docker, copy).up()
    assert done["built"] == ["mainpc/SystemDigitalTwin"]
    after = {name: fleet.inspect(name)["Id"] for name in SLICE}
    assert {name for name in SLICE if before[name] != after[name]} == {"SystemDigitalTwin"}
    assert Fleet(fleet.docker, copy).well()


def _checkout(folder: Path) -> Path:
    """A copy of this repository's parts that decide images and what runs."""
    copy = folder / "checkout"
    ignored = shutil.ignore_patterns("__pycache__", "tests", ".*")
    for part in ("src", "fleet", "servicekit"):
        shutil.copytree(ROOT / part, copy / part, ignore=ignored)
    git = ("git", "-C", str(copy), "-c", "user.name=t", "-c", "user.email=t@example.invalid")
    for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "a copy")):
        subprocess.run((*git, *words), check=True, capture_output=True)
    return copy
