"""Where a rollout keeps its files: the token is made once, everything else is replaced as a whole."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from dockwright.errors import DockwrightError, UnreadableInput
from dockwright.rollout.place import APPUSER, Place, here


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "rollout")
    made.prepare()
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_token_is_for_the_services_user_alone(place: Place) -> None:
    """Who is not root cannot give a file away: then the closed folder is what guards it."""
    assert mode(place.token.parent) == 0o700
    if os.geteuid() == 0:
        assert (mode(place.token), place.token.stat().st_uid, place.token.stat().st_gid) == (0o400, APPUSER, APPUSER)
    else:
        assert mode(place.token) == 0o444


def test_a_user_who_is_not_root_keeps_the_token_readable_in_a_closed_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    made = Place(tmp_path / "rollout")
    made.prepare()
    assert (mode(made.token), mode(made.token.parent)) == (0o444, 0o700)
    assert made.token.stat().st_uid == os.getuid()


def test_the_token_is_long_random_and_fit_for_a_header(tmp_path: Path) -> None:
    tokens = set()
    for number in range(3):
        place = Place(tmp_path / str(number))
        place.prepare()
        tokens.add(place.token.read_text())
    assert len(tokens) == 3
    assert all(len(token.strip()) >= 43 and token.strip().isascii() and " " not in token.strip() for token in tokens)


def test_a_login_is_for_the_supervisor_and_goes_when_it_is_no_longer_wanted(place: Place) -> None:
    place.write_login("")
    place.write_login('{"username": "me", "password": "hidden"}')
    assert "hidden" in place.login.read_text()
    assert mode(place.login.parent) == 0o700
    assert mode(place.login) == (0o400 if os.geteuid() == 0 else 0o444)
    assert place.login.stat().st_uid == (10001 if os.geteuid() == 0 else os.getuid())
    place.write_login("")
    assert not place.login.exists()


def test_nothing_that_is_there_is_replaced(place: Place) -> None:
    place.write_bodies({"dockwright-alpha": {"Image": "a"}})
    before = place.token.read_text(), place.token.stat().st_ino
    place.prepare()
    assert (place.token.read_text(), place.token.stat().st_ino) == before
    assert [path.name for path in place.bodies.iterdir()] == ["dockwright-alpha.json"]


def test_what_was_desired_is_read_back(place: Place) -> None:
    assert place.read_desired() is None
    place.write_desired({"machine": "mainpc", "instances": []})
    assert place.read_desired() == {"machine": "mainpc", "instances": []}


@pytest.mark.parametrize("text", ["", "{", "[]", "\udcff"])
def test_a_broken_file_is_named(place: Place, text: str) -> None:
    place.desired.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UnreadableInput, match=r"desired\.json"):
        place.read_desired()


def test_who_reads_while_it_is_written_reads_one_whole_file(place: Place) -> None:
    """The supervisor reads desired.json through a folder bound into its container, at any moment."""
    place.write_desired({"machine": "one"})
    with place.desired.open() as reading:
        place.write_desired({"machine": "two" * 10_000})
        assert json.loads(reading.read()) == {"machine": "one"}
    assert json.loads(place.desired.read_text()) == {"machine": "two" * 10_000}
    assert mode(place.desired) == 0o644, "another user reads it"


def test_no_temporary_file_is_left(place: Place) -> None:
    place.write_desired({})
    place.write_bodies({"dockwright-alpha": {}})
    with pytest.raises(TypeError):
        place.write_desired({"a set": {1}})
    assert {path.name for path in place.run.rglob("*")} == {"desired.json", "instances", "dockwright-alpha.json"}
    assert place.read_desired() == {}


def test_bodies_of_containers_that_are_no_longer_wanted_go(place: Place) -> None:
    """A body that stays would let the supervisor create what nobody wants."""
    place.write_bodies({"dockwright-alpha": {"Image": "old"}, "dockwright-beta": {"Image": "b"}})
    place.write_bodies({"dockwright-alpha": {"Image": "new"}, "dockwright-gamma": {"Image": "c"}})
    found = {path.stem: json.loads(path.read_text())["Image"] for path in place.bodies.iterdir()}
    assert found == {"dockwright-alpha": "new", "dockwright-gamma": "c"}
    place.write_bodies({})
    assert not list(place.bodies.iterdir())


def test_ports_are_published_on_loopback_until_asked(place: Place) -> None:
    assert (place.bind(), place.address()) == ("127.0.0.1", "127.0.0.1")


@pytest.mark.parametrize(("bind", "address"), [("0.0.0.0", "127.0.0.1"), ("192.0.2.7", "192.0.2.7")])
def test_the_address_of_the_last_rollout_is_kept(place: Place, bind: str, address: str) -> None:
    place.write_bind(bind)
    assert (place.bind(), place.address()) == (bind, address)


def test_everything_lies_below_the_tools_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path))
    place = here()
    paths = (place.compose, place.run, place.desired, place.bodies, place.token, place.settings)
    assert all(path.is_relative_to(tmp_path / "rollout") for path in paths)
    assert not place.token.is_relative_to(place.run), "the run folder is bound into containers"


def test_two_runs_do_not_change_one_place_at_once(tmp_path: Path) -> None:
    with Place(tmp_path).alone():
        with pytest.raises(DockwrightError, match="another") as raised, Place(tmp_path).alone():
            pytest.fail("two hold it at once")
        assert str(os.getpid()) in raised.value.remedy
    with Place(tmp_path).alone():
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_token_that_was_left_to_root_is_given_to_the_services(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.prepare()
    os.chown(place.token, 0, 0)
    place.prepare()
    assert place.token.stat().st_uid == 10001
