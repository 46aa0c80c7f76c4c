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
approved = importlib.import_module("self_healing_supervisor.filter.approved")


def recorded(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.split(".")[0])
def test_case(path: Path) -> None:
    expected = path.with_name(path.name.replace(".inspect.", ".body."))
    assert body(recorded(path)) == json.loads(expected.read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.split(".")[0])
def test_the_filter_approves_it(path: Path, tmp_path: Path) -> None:
    """As `up` writes it, and in whatever spelling the supervisor sends it."""
    found = recorded(path)
    name = found["Name"].removeprefix("/")
    place = Place(tmp_path)
    place.prepare()
    place.write_bodies({name: body(found)})
    asked = json.dumps(body(found), separators=(",", ":"), ensure_ascii=False).encode()
    assert json.loads(approved.approve(place.run, name, asked)) == body(found)


def test_a_body_is_small_enough_for_the_filter() -> None:
    assert all(len(dumps(body(recorded(path)))) < approved.BODY_BYTES // 4 for path in FILES)


def test_the_new_container_has_a_host_name_of_its_own() -> None:
    found = container("dockwright-alpha")
    assert found["Config"]["Hostname"] and not {"Hostname", "Domainname"} & body(found).keys()


def test_what_confines_the_container_is_kept() -> None:
    host: Any = body(container("dockwright-alpha"))["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["Privileged"]) == (True, ["ALL"], False)
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
