"""desired.json: the promised shape, and the supervisor's own parser understands it."""

from __future__ import annotations

import base64
import importlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollout.fleets import SHA, Given, fleet, stored, usual
from rollout.test_choice import fleets

from dockwright.engine.registry import place
from dockwright.errors import UsageError
from dockwright.rollout.choice import choose
from dockwright.rollout.desired import desired
from dockwright.rollout.following import following, login
from dockwright.spec.address import Address
from dockwright.spec.model import Fleet, Instance

NAME = "20261124-59b51f84018b"
NOW = datetime(2026, 11, 24, 18, 0, 0, 123456, tzinfo=UTC)
ORIGIN = {"git_sha": "a" * 40, "tag": "20261124-aaaaaaaaaaaa"}
parse = importlib.import_module("self_healing_supervisor.desired").parse


def at(**said: str) -> Address:
    """A machine's address, as machines.toml gives it."""
    return Address.model_validate({"engine": "local", **said})


def written(made: Fleet, machine: str = "mainpc", *, gpu: bool = False) -> dict[str, Any]:
    choice = choose(made, machine, gpu=gpu)
    found: dict[str, Any] = desired(made, choice, {each: stored(each) for each in choice.all}, NOW, ORIGIN)
    return found


def test_an_instance_says_everything_that_is_promised() -> None:
    image = stored(Instance("Caller", "mainpc"))
    rows = {row["service"]: row for row in written(usual())["instances"]}
    expected = {
        "service": "Caller",
        "machine": "mainpc",
        "container": "dockwright-caller",
        "address": "dockwright-caller",
        "family": "base",  # declared by its other name
        "port": 7003,
        "health_port": 8003,
        "depends": [],
        "start_seconds": 20,
        "memory_mb": 256,
        "cpus": 64.0,
        "gpu_memory_mb": 0,
        "phase": "rest",
        "image": "registry.example:5000/fleet/caller:20261124-59b51f84018b-mainpc",
        "image_digest": image.digest,
        "input_digest": image.input_digest,
        "git_sha": SHA,
        "tag": "20261124-59b51f84018b-mainpc",
    }
    assert rows["Caller"] == expected


def test_the_file_says_who_and_when_and_from_which_commit() -> None:
    made = written(usual())
    keys = {"machine", "written_at", "git_sha", "tag", "machines", "instances", "left_out", "elsewhere"}
    assert set(made) == keys
    assert (made["machine"], made["written_at"]) == ("mainpc", "2026-11-24T18:00:00+00:00")
    assert {key: made[key] for key in ORIGIN} == ORIGIN
    assert made["machines"]["pc2"] == {
        "gpu": "RTX 3060", "gpu_memory_mb": 8192, "gpu_arch": "8.9", "cpus": 8, "memory_mb": 32768,
    }  # fmt: skip
    assert {"service": "Future", "machine": "mainpc", "why": "not implemented yet"} in made["left_out"]


def test_implemented_instances_of_other_machines_are_told_apart() -> None:
    made = written(fleet([Given("Alpha"), Given("Beta", ("pc2",)), Given("Both", ("mainpc", "pc2"))]))
    assert [(row["machine"], row["service"]) for row in made["elsewhere"]] == [("pc2", "Beta"), ("pc2", "Both")]
    assert not any("image" in key for row in made["elsewhere"] for key in row)


def test_dependencies_are_those_that_run_beside_it() -> None:
    services = [
        Given("Alpha", own={"depends": ("Beta", "Painter")}),
        Given("Beta", ("pc2",)),
        Given("Painter", gpu=True),
    ]
    rows = {row["service"]: row for row in written(fleet(services))["instances"]}
    assert rows["Alpha"]["depends"] == ["Beta"]
    assert rows["Alpha"]["phase"] == ""


def test_rows_stand_in_the_order_of_their_start() -> None:
    made = fleet([Given("Alpha", own={"depends": ("Beta",)}), Given("Beta")])
    assert [row["service"] for row in written(made)["instances"]] == ["Beta", "Alpha"]


def test_the_supervisor_understands_it() -> None:
    made = written(usual())
    read = parse(json.dumps(made).encode())
    assert (read.machine, read.written_at) == ("mainpc", NOW.replace(microsecond=0).timestamp())
    for row, one in zip(made["instances"], read.instances, strict=True):
        assert (one.service, one.machine, one.container, one.address) == tuple(
            row[key] for key in ("service", "machine", "container", "address")
        )
        assert (one.health_port, list(one.depends)) == (row["health_port"], row["depends"])
        assert (one.boot_seconds, one.image_digest) == (row["start_seconds"], row["image_digest"])


@given(fleets(), st.sampled_from(("mainpc", "pc2")), st.booleans())
def test_the_supervisor_understands_every_fleet(made: Fleet, machine: str, gpu: bool) -> None:
    content = written(made, machine, gpu=gpu)
    assert len(parse(json.dumps(content).encode()).instances) == len(content["instances"])


def test_what_the_supervisor_may_bring_is_said_where_it_may() -> None:
    made = usual()
    choice = choose(made, "mainpc", gpu=False)
    images = {each: stored(each) for each in choice.all}
    follow = following(made, at(follow="release"), {})
    assert follow == {"registry": "registry.example/fleet", "release": "latest"}
    read = parse(json.dumps(desired(made, choice, images, NOW, ORIGIN, follow, {"mainpc/Caller"})))
    assert (read.follow.registry, read.follow.release) == ("registry.example/fleet", "latest")
    assert [one.service for one in read.instances if one.pinned] == ["Caller"]
    assert parse(json.dumps(written(made))).follow is None


@pytest.mark.parametrize(
    ("address", "environ", "expected"),
    [
        (None, {}, None),
        (at(), {"DOCKWRIGHT_REGISTRY": "r.test/x"}, None),
        (at(follow=NAME), {}, ("registry.example/fleet", NAME)),
        (at(follow="release"), {"DOCKWRIGHT_REGISTRY": "r.test/x"}, ("r.test/x", "latest")),
        (
            at(follow="release", registry="s.test/y"),
            {"DOCKWRIGHT_REGISTRY": "r.test/x"},
            ("s.test/y", "latest"),
        ),
        (at(registry="s.test/y"), {}, None),
    ],
)
def test_from_where_and_what(
    address: Address | None, environ: dict[str, str], expected: tuple[str, str] | None
) -> None:
    found = following(usual(), address, environ)
    assert (found and (found["registry"], found["release"])) == expected


def test_what_docker_trusts_here_is_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "CERTIFICATES", tmp_path)
    (tmp_path / "registry.example").mkdir()
    (tmp_path / "registry.example" / "ca.crt").write_text("a certificate")
    made = usual()
    follow = following(made, at(follow="release"), {})
    assert follow is not None and follow["ca"] == "a certificate"
    assert parse(json.dumps(written(made) | {"follow": follow})).follow.ca == "a certificate"


def test_a_login_goes_where_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    made, asked = usual(), {"engine": "local", "follow": "release", "login": True}
    with pytest.raises(UsageError, match=r"wants a login to registry\.example") as error:
        login(made, Address.model_validate(asked), {})
    assert error.value.remedy == "docker login registry.example"
    secret = base64.b64encode(b"me:hidden").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"registry.example": {"auth": secret}}}))
    assert json.loads(login(made, Address.model_validate(asked), {})) == {"username": "me", "password": "hidden"}
    for address in (None, at(follow="release"), Address.model_validate({"engine": "local", "login": True})):
        assert login(made, address, {}) == ""


def test_a_registry_that_is_none_is_said() -> None:
    with pytest.raises(UsageError, match="names no registry"):
        following(usual(), at(follow="release", registry="nonsense"), {})
