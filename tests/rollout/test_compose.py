"""The compose file: every container is confined, knows its declared peers only, and is reached at one address."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from rollout.fleets import Given, fleet, stored, usual

from dockwright.rollout.choice import KIT_PEERS, choose
from dockwright.rollout.compose import Host, container_name, render, text
from dockwright.rollout.place import Place
from dockwright.spec.model import Fleet, Instance

PLACE = Place(Path("/var/lib/dockwright/rollout"))
HOST = Host(Path("/run/engine/docker.sock"), 998, 8, "127.0.0.1", PLACE)
FILTER = "docker-filter"


def rendered(made: Fleet, host: Host = HOST, machine: str = "mainpc", *, gpu: bool = False) -> dict[str, Any]:
    choice = choose(made, machine, gpu=gpu)
    return render(made, choice, {each: stored(each).named(by_digest=True) for each in choice.all}, host)


USUAL = rendered(usual())
CONTAINERS: dict[str, dict[str, Any]] = USUAL["services"]
INSTANCES = [name for name in CONTAINERS if name != FILTER]
each_container = pytest.mark.parametrize("name", CONTAINERS)
each_instance = pytest.mark.parametrize("name", INSTANCES)


def test_what_was_chosen_runs_and_the_filter_before_the_socket() -> None:
    assert sorted(CONTAINERS) == [
        "caller", "central-error-bus", "docker-filter", "helper", "self-healing-supervisor", "service-registry",
        "stranger", "unified-observability-center",
    ]  # fmt: skip
    assert list(CONTAINERS)[:2] == ["service-registry", "central-error-bus"], "in the order of their start"


@each_container
def test_every_container_is_confined(name: str) -> None:
    container = CONTAINERS[name]
    assert container["user"] == "10001:10001"
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["pull_policy"] == "never"
    assert all({"noexec", "nosuid", "nodev"} <= set(mount.split(":")[1].split(",")) for mount in container["tmpfs"])


@each_container
def test_every_container_is_bounded(name: str) -> None:
    container = CONTAINERS[name]
    assert container["mem_limit"] == container["memswap_limit"], "swap is no way around the limit"
    assert 0 < container["cpus"] <= HOST.cpus
    assert 0 < container["pids_limit"] <= 128
    assert container["logging"] == {"driver": "json-file", "options": {"max-size": "5m", "max-file": "2"}}


@each_container
def test_no_container_has_a_way_out(name: str) -> None:
    """What a container may say is a closed list: anything new in it wants a thought."""
    known = {
        "image", "pull_policy", "user", "read_only", "tmpfs", "cap_drop", "security_opt", "mem_limit", "memswap_limit",
        "cpus", "pids_limit", "logging", "container_name", "environment", "ports", "labels", "restart",
        "stop_grace_period", "volumes", "secrets", "depends_on",
    }  # fmt: skip
    more = {"command", "network_mode", "group_add", "healthcheck"} if name == FILTER else set()
    assert set(CONTAINERS[name]) <= known | more


@each_instance
def test_only_the_filter_sees_the_engines_socket(name: str) -> None:
    assert str(HOST.socket) not in json.dumps(CONTAINERS[name])
    assert bound(HOST.socket, "/var/run/docker.sock") in CONTAINERS[FILTER]["volumes"]


def bound(source: Path, target: str) -> dict[str, object]:
    """A read-only file or folder of the host; compose must not make one that is missing."""
    bind = {"create_host_path": False}
    return {"type": "bind", "source": str(source), "target": target, "read_only": True, "bind": bind}


def test_paths_may_hold_what_compose_reads_as_its_own() -> None:
    made = rendered(usual(), replace(HOST, place=Place(Path("/var/lib/a $HOME: b"))))
    run = bound(Path("/var/lib/a $$HOME: b/run"), "/run/dockwright")
    assert run in made["services"]["unified-observability-center"]["volumes"]
    assert made["secrets"]["fleet-token"]["file"] == "/var/lib/a $$HOME: b/secrets/fleet-token"


def test_the_filter_has_no_network_and_no_port_and_the_sockets_group() -> None:
    guard = CONTAINERS[FILTER]
    assert guard["network_mode"] == "none"
    assert guard["group_add"] == ["998"]
    assert not {"ports", "environment", "secrets"} & guard.keys()
    assert guard["image"] == CONTAINERS["self-healing-supervisor"]["image"]
    assert guard["command"] == ["python3", "-m", "self_healing_supervisor.filter"]
    assert guard["healthcheck"]["test"][:2] == ["CMD", "curl"], "the image's asks a port that the filter does not have"
    assert guard["healthcheck"]["test"][-2:] == ["/run/docker-filter/docker.sock", "http://docker/_ping"]
    assert set(guard["labels"]) == {"io.dockwright.fleet", "io.dockwright.role", "io.dockwright.config"}
    assert guard["labels"]["io.dockwright.role"] == "filter"


def test_only_the_supervisor_sees_the_filters_socket() -> None:
    holders = {name for name in CONTAINERS if any(FILTER in mount for mount in CONTAINERS[name].get("volumes", ()))}
    assert holders == {FILTER, "self-healing-supervisor"}
    options = USUAL["volumes"][FILTER]["driver_opts"]
    assert options["type"] == "tmpfs"
    assert {"uid=10001", "mode=0700"} <= set(options["o"].split(",")), "its folder is the services' user's alone"


@pytest.mark.parametrize("place", [PLACE, None])
def test_a_registrys_login_is_shown_to_the_supervisor_and_its_filter_alone(place: Place | None) -> None:
    made = rendered(usual(), replace(HOST, place=place, login=True))
    shown = {name for name, each in made["services"].items() if "/run/registry" in json.dumps(each)}
    assert shown == {"self-healing-supervisor", FILTER}
    assert ("dockwright_registry" in made["volumes"]) is (place is None)
    without = rendered(usual(), replace(HOST, place=place))
    assert "registry/login" not in json.dumps(without) and "dockwright_registry" not in without["volumes"]


def test_no_filter_where_nobody_asks_for_docker() -> None:
    made = rendered(fleet([Given("Alpha")]))
    assert list(made["services"]) == ["alpha"]
    assert made["volumes"] == {}


@each_instance
def test_ports_are_published_at_the_bind_address_alone(name: str) -> None:
    made = rendered(usual(), replace(HOST, bind="192.0.2.7"))["services"][name]
    row = usual().services[made["labels"]["io.dockwright.service"]]
    assert made["ports"] == [f"192.0.2.7:{port}:{port}" for port in (row.port, row.health_port)]


@each_instance
def test_labels_and_names_tell_who_it_is(name: str) -> None:
    container = CONTAINERS[name]
    labels = container["labels"]
    assert labels["io.dockwright.fleet"] == "dockwright"
    assert labels["io.dockwright.role"] == "instance"
    assert container["container_name"] == container_name(labels["io.dockwright.service"]) == f"dockwright-{name}"
    guests = {"helper", "central-error-bus"}
    assert labels["io.dockwright.machine"] == ("pc2" if name in guests else "mainpc")


def peers(made: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made["services"][name]["environment"]["DOCKWRIGHT_PEERS"])
    return found


def test_peers_are_the_declared_ones_that_run_here() -> None:
    assert set(peers(USUAL, "caller")) == {*KIT_PEERS, "Helper", "Caller"}, "and itself, to say where it is"
    assert set(peers(USUAL, "stranger")) == {*KIT_PEERS, "Stranger"}
    assert peers(USUAL, "caller")["Helper"] == {
        "pc2": {"url": "http://dockwright-helper:7006", "health_url": "http://dockwright-helper:8006"}
    }


def test_a_peer_that_does_not_run_here_is_not_named() -> None:
    made = rendered(
        fleet([Given("Alpha", own={"calls": ("Painter", "Beta")}), Given("Painter", gpu=True), Given("Beta")])
    )
    assert set(peers(made, "alpha")) == {"Alpha", "Beta"}


def test_a_service_waits_for_the_health_of_those_it_depends_on() -> None:
    assert CONTAINERS["self-healing-supervisor"]["depends_on"] == {
        "service-registry": {"condition": "service_healthy"},
        FILTER: {"condition": "service_healthy"},
    }
    assert "depends_on" not in CONTAINERS["caller"]


def test_nobody_waits_for_what_does_not_run_here() -> None:
    made = rendered(fleet([Given("Alpha", own={"depends": ("Painter",)}), Given("Painter", gpu=True)]))
    assert "depends_on" not in made["services"]["alpha"], "compose refuses a dependency that the file does not have"


def test_declared_limits_hold_up_to_what_this_host_has() -> None:
    caller = CONTAINERS["caller"]
    assert (caller["mem_limit"], caller["pids_limit"]) == ("256m", 99)
    assert caller["cpus"] == 8.0, "64 are declared; the engine refuses more than there are"
    assert CONTAINERS["stranger"]["cpus"] == 1.0


def test_secrets_are_those_that_a_service_reads() -> None:
    made = rendered(fleet([Given("Alpha", own={"secrets": ()}), Given("Beta", own={"secrets": ("fleet-token",)})]))
    assert "secrets" not in made["services"]["alpha"]
    assert made["services"]["beta"]["secrets"] == ["fleet-token"]


@each_instance
def test_the_engine_is_patient_while_a_service_drains(name: str) -> None:
    assert CONTAINERS[name]["stop_grace_period"] == "12s", "a service has 10 s"


def test_mounts_are_what_a_service_asked_for() -> None:
    run = bound(PLACE.run, "/run/dockwright")
    assert CONTAINERS["service-registry"]["volumes"] == ["service-registry-state:/state"]
    assert CONTAINERS["unified-observability-center"]["volumes"] == ["unified-observability-center-state:/state", run]
    assert run in CONTAINERS[FILTER]["volumes"]
    assert not {"volumes"} & CONTAINERS["caller"].keys()


def test_whatever_a_container_names_is_defined() -> None:
    for container in CONTAINERS.values():
        named = {mount.split(":")[0] for mount in container.get("volumes", ()) if isinstance(mount, str)}
        assert named <= USUAL["volumes"].keys()
        assert set(container.get("secrets", ())) <= USUAL["secrets"].keys()
        assert container.get("depends_on", {}).keys() <= CONTAINERS.keys()
    assert USUAL["secrets"] == {"fleet-token": {"file": str(PLACE.token)}}


def test_the_engine_restarts_the_supervisor_and_its_filter_and_the_supervisor_the_rest() -> None:
    restarts = {name for name, container in CONTAINERS.items() if container["restart"] != "no"}
    assert restarts == {"self-healing-supervisor", FILTER}


def test_images_are_named_by_digest_where_the_engine_knows_digests() -> None:
    image = stored(Instance("Caller", "mainpc"))
    assert CONTAINERS["caller"]["image"] == image.named(by_digest=True) == f"{image.reference}@{image.digest}"
    assert image.named(by_digest=False) == image.reference


FAR = replace(HOST, place=None, name="10.0.0.1", others={Instance("CentralErrorBus", "pc2"): "10.0.0.2"})


def test_a_machine_elsewhere_reads_its_files_from_volumes() -> None:
    made = rendered(usual(), FAR)
    assert "secrets" not in made
    assert made["volumes"]["dockwright_run"] == {"name": "dockwright_run", "external": True}
    assert made["volumes"]["dockwright_secrets"] == {"name": "dockwright_secrets", "external": True}
    supervisor = made["services"]["self-healing-supervisor"]["volumes"]
    assert "dockwright_run:/run/dockwright:ro" in supervisor
    assert "dockwright_secrets:/run/secrets:ro" in supervisor
    assert "/var/lib/dockwright" not in json.dumps(made), "no folder of this host"


def test_peers_on_another_machine_are_reached_at_its_address() -> None:
    made = rendered(usual(), FAR)
    found = peers(made, "caller")
    assert found["CentralErrorBus"]["pc2"]["url"].startswith("http://10.0.0.2:")
    assert found["Caller"]["mainpc"]["url"].startswith("http://10.0.0.1:"), "what it says of itself holds everywhere"
    assert found["ServiceRegistry"]["mainpc"]["url"].startswith("http://dockwright-service-registry:")


def test_an_ipv6_address_stands_in_brackets() -> None:
    made = rendered(usual(), replace(FAR, name="fd00::1"))
    assert peers(made, "caller")["Caller"]["mainpc"]["url"].startswith("http://[fd00::1]:")


def test_a_service_gets_the_cards_that_its_machines_profile_names() -> None:
    made = rendered(usual(), replace(HOST, gpu=True), gpu=True)
    devices = made["services"]["painter"]["deploy"]["resources"]["reservations"]["devices"]
    assert devices == [{"driver": "nvidia", "device_ids": ["0"], "capabilities": ["gpu"]}]
    assert "deploy" not in made["services"]["caller"]


def test_how_a_container_is_started_has_a_digest_and_its_image_is_not_in_it() -> None:
    def digests(made: dict[str, Any]) -> dict[str, str]:
        return {name: one["labels"]["io.dockwright.config"] for name, one in made["services"].items()}

    other = dict.fromkeys(choose(usual(), "mainpc", gpu=False).all, "other")
    assert digests(render(usual(), choose(usual(), "mainpc", gpu=False), other, HOST)) == digests(USUAL)
    assert digests(rendered(usual(), replace(HOST, bind="10.0.0.1"))) != digests(USUAL)


def test_the_text_is_yaml_of_the_same_content() -> None:
    shown = text(USUAL, PLACE.compose, "unix:///run/engine/docker.sock", "up")
    assert yaml.safe_load(shown) == USUAL
    assert "&" not in shown, "anchors are no reading for people"


def test_the_text_says_how_it_is_used_by_hand() -> None:
    shown = text(USUAL, Path("/home/an engineer/compose.yaml"), "unix:///run/engine/docker.sock", "up")
    command = next(line for line in shown.splitlines() if "docker compose" in line)
    assert command.split(" docker compose ") == [
        "#   DOCKER_HOST=unix:///run/engine/docker.sock",
        "--file '/home/an engineer/compose.yaml' up --detach --wait",
    ]


def test_equal_input_gives_equal_bytes() -> None:
    assert text(rendered(usual()), PLACE.compose, "x", "up") == text(USUAL, PLACE.compose, "x", "up")
