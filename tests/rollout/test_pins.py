"""Pins: by digest from the moment they are made, until a day, shown when expired; FORCE_IMAGE_TAG wins."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from rollout.fleets import usual

from dockwright.engine.docker import Docker
from dockwright.errors import DockwrightError, UnreadableInput, UsageError
from dockwright.rollout import pins
from dockwright.spec.model import Fleet

TODAY = date(2026, 11, 24)
TAG = "20261120-0a1b2c3d4e5f"
DIGEST = f"sha256:{'ab' * 32}"
SCRIPT = """#!/bin/sh
for one; do case "$one" in *helper:{tag}-pc2) echo '[{{"Id": "{digest}"}}]'; exit 0 ;; esac; done
echo '[]'; exit 1
"""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path / "state"))


@pytest.fixture
def docker(tmp_path: Path) -> Docker:
    """An engine that has one image: Helper's, for pc2."""
    program = tmp_path / "docker"
    program.write_text(SCRIPT.format(tag=TAG, digest=DIGEST))
    program.chmod(0o755)
    return Docker(program, "unix:///nonexistent.sock")


@pytest.fixture
def fleet() -> Fleet:
    return usual()


def pin(fleet: Fleet, docker: Docker, until: date = date(2026, 12, 1)) -> pins.Pin:
    return pins.pin(fleet, docker, "Helper", TAG, until, "the new one leaks", TODAY)


def test_a_pin_holds_its_instances_by_digest(fleet: Fleet, docker: Docker) -> None:
    pin(fleet, docker)
    assert pins.held(fleet, docker, TODAY, {}) == {"pc2/Helper": DIGEST}
    (made,) = pins.read().values()
    assert (made.service, made.tag, made.why) == ("Helper", TAG, "the new one leaks")
    assert made.who


def test_an_expired_pin_holds_nothing_and_still_protects_its_image(fleet: Fleet, docker: Docker) -> None:
    pin(fleet, docker)
    later = date(2026, 12, 2)
    assert pins.held(fleet, docker, later, {}) == {}
    assert pins.read()["Helper"].expired(later)
    assert not pins.read()["Helper"].expired(date(2026, 12, 1)), "its last day is a day on which it holds"
    assert pins.protected() == {DIGEST: "Helper is pinned to it: the new one leaks"}


def test_unpinned_is_free_again(fleet: Fleet, docker: Docker) -> None:
    pin(fleet, docker)
    pins.unpin("Helper")
    assert pins.held(fleet, docker, TODAY, {}) == {}
    assert pins.protected() == {}
    with pytest.raises(UsageError, match="is not pinned"):
        pins.unpin("Helper")


def test_the_variable_wins_and_is_read_strictly(fleet: Fleet, docker: Docker) -> None:
    assert pins.held(fleet, docker, TODAY, {pins.VARIABLE: f" Helper={TAG} ,"}) == {"pc2/Helper": DIGEST}
    with pytest.raises(UsageError, match="did you mean 'Helper'"):
        pins.held(fleet, docker, TODAY, {pins.VARIABLE: f"Helpr={TAG}"})
    with pytest.raises(UsageError, match=pins.VARIABLE):
        pins.held(fleet, docker, TODAY, {pins.VARIABLE: TAG})


def test_what_cannot_be_pinned_is_said(fleet: Fleet, docker: Docker) -> None:
    with pytest.raises(UsageError, match="there is no service 'Helpers'"):
        pins.pin(fleet, docker, "Helpers", TAG, TODAY, "why", TODAY)
    with pytest.raises(UsageError, match="has passed"):
        pin(fleet, docker, until=date(2026, 11, 23))
    with pytest.raises(DockwrightError, match=r"no image of registry\.example/fleet/caller is tagged"):
        pins.pin(fleet, docker, "Caller", TAG, TODAY, "why", TODAY)
    assert pins.read() == {}


@pytest.mark.parametrize(
    "entry", [7, {}, {"tag": "t", "until": "soon", "why": "", "who": "", "images": {}}, {"until": "2026-12-01"}]
)
def test_a_file_that_is_no_pins_is_said_and_kept(fleet: Fleet, docker: Docker, entry: object) -> None:
    pins.file().parent.mkdir(parents=True)
    pins.file().write_text(json.dumps({"Helper": entry}))
    with pytest.raises(UnreadableInput, match="Helper: is no pin"):
        pins.read()
    assert json.loads(pins.file().read_text()) == {"Helper": entry}
