"""Approved bodies: what was recorded of a real container (Docker 26.1), and the request that makes it again."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from rollout.engine import RECORDED, container

from dockwright.engine.state import dumps
from dockwright.rollout.bodies import body
from dockwright.rollout.place import Place

FILES = sorted(RECORDED.glob("*.inspect.json"))
filtered = importlib.import_module("self_healing_supervisor.filter.approved")


def recorded(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.split(".")[0])
def test_case(path: Path) -> None:
    expected = path.with_name(path.name.replace(".inspect.", ".body."))
    assert body(recorded(path)) == json.loads(expected.read_text())


def approved(place: Place, found: dict[str, Any]) -> dict[str, Any]:
    """What the filter makes of a container's body, as `up` writes it."""
    name = found["Name"].removeprefix("/")
    place.prepare()
    place.write_bodies({name: body(found)})
    made: dict[str, Any] = filtered.Approved(place.run).body(name)
    return made


def test_the_filter_makes_the_same_container_of_it(tmp_path: Path) -> None:
    found = recorded(RECORDED / "service-registry.inspect.json")
    asked, made = body(found), approved(Place(tmp_path), found)
    for key, value in asked.items():
        if key != "HostConfig":
            assert made[key] == value, key
    host: Any = asked["HostConfig"]
    for key, value in host.items():
        assert made["HostConfig"][key] == value or key == "RestartPolicy", key
    assert made["HostConfig"]["RestartPolicy"]["Name"] == host["RestartPolicy"]["Name"]


def test_the_filter_lets_nobody_make_the_container_that_sees_its_own_socket(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="HostConfig"):
        approved(Place(tmp_path), recorded(RECORDED / "self-healing-supervisor.inspect.json"))


@pytest.mark.parametrize(
    "change",
    [
        {"Privileged": True},
        {"Binds": ["/:/host"]},
        {"Binds": ["/etc:/run/dockwright:ro"]},
        {"CapAdd": ["SYS_ADMIN"]},
        {"PidMode": "host"},
        {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}},
        {"Mounts": [{"Type": "volume", "Source": "dockwright_a-state", "Target": "/state", "VolumeOptions": {"a": 1}}]},
    ],
    ids=str,
)
def test_one_that_people_made_with_more_rights_is_not_made_again(tmp_path: Path, change: dict[str, Any]) -> None:
    found = container("dockwright-alpha")
    found["HostConfig"] |= change
    with pytest.raises(Exception, match="HostConfig"):
        approved(Place(tmp_path), found)


def test_a_body_is_small_enough_for_the_filter() -> None:
    assert all(len(dumps(body(recorded(path)))) < filtered.BODY_BYTES // 4 for path in FILES)


def test_what_the_image_says_is_left_to_the_image() -> None:
    found = container("dockwright-alpha")
    made: Any = body(found)
    assert not {"Cmd", "Entrypoint", "WorkingDir", "Healthcheck", "Hostname"} & made.keys()
    assert [each.partition("=")[0] for each in made["Env"]] == ["DOCKWRIGHT_PEERS"]
    assert not {"io.dockwright.input", "org.opencontainers.image.title"} & made["Labels"].keys()


def test_an_image_without_a_digest_in_its_name_goes_by_its_id() -> None:
    """An engine with the classic store knows images that were built here by nothing else."""
    found = container("dockwright-alpha")
    found["Config"]["Image"] = "ghcr.io/dockwright/alpha:20261124-59b51f84018b-mainpc"
    assert body(found)["Image"] == found["Image"]
    assert str(found["Image"]).startswith("sha256:")


def test_the_order_in_which_compose_asked_for_mounts_is_none_of_it() -> None:
    found, turned = container("dockwright-alpha"), container("dockwright-alpha")
    turned["HostConfig"]["Mounts"].reverse()
    assert len(found["HostConfig"]["Mounts"]) > 1
    assert body(turned) == body(found)


def test_what_confines_the_container_is_kept() -> None:
    host: Any = body(container("dockwright-alpha"))["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"]) == (True, ["ALL"])
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert (host["Memory"], host["MemorySwap"], host["PidsLimit"]) == (128 * 2**20, 128 * 2**20, 64)


@pytest.mark.parametrize("aliases", [None, [], ["dockwright-alpha"]])
def test_peers_find_it_by_its_name_whatever_the_engine_recorded(aliases: list[str] | None) -> None:
    found = container("dockwright-alpha")
    found["NetworkSettings"]["Networks"]["dockwright"]["Aliases"] = aliases
    endpoints: Any = body(found)["NetworkingConfig"]
    assert endpoints == {"EndpointsConfig": {"dockwright": {"Aliases": ["dockwright-alpha"]}}}


def test_the_alias_made_of_the_old_id_is_not_given_to_the_new_container() -> None:
    """Docker 25 (API 1.44) lists it among the aliases."""
    found = container("dockwright-alpha")
    found["NetworkSettings"]["Networks"]["dockwright"]["Aliases"] += [found["Id"][:12]]
    endpoints: Any = body(found)["NetworkingConfig"]
    assert found["Id"][:12] not in endpoints["EndpointsConfig"]["dockwright"]["Aliases"]
    assert "service-registry" in endpoints["EndpointsConfig"]["dockwright"]["Aliases"]
