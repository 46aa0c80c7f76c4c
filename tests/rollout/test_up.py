"""What `up` decides before it touches anything: the machine that this host plays, its engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from build.small import NOTHING
from release.made import SHA, contents, record, shelve
from rollout.fleets import usual

from dockwright.build.bases import Made
from dockwright.build.planning import Planned
from dockwright.engine.docker import Docker
from dockwright.errors import EngineUnavailable, Unreachable, UsageError
from dockwright.release import health, shelf
from dockwright.rollout.choice import choose
from dockwright.rollout.place import Place
from dockwright.rollout.up import buildable, local_socket, note_healthy, pick_machine

RTX_3060 = "NVIDIA GeForce RTX 3060"
A6000 = "NVIDIA RTX A6000"


@pytest.mark.parametrize(
    ("named", "last", "cards", "expected"),
    [
        ("pc3", "pc2", [RTX_3060], "pc3"),
        (None, "pc3", [RTX_3060], "pc3"),
        (None, None, [RTX_3060], "pc2"),
        (None, None, [A6000], "pc3"),
        (None, None, ["NVIDIA GeForce RTX 2080"], "mainpc"),
        (None, None, [], "mainpc"),
        (None, "a machine of long ago", [RTX_3060], "pc2"),
        (None, 7, [], "mainpc"),
    ],
    ids=["named", "last", "card", "letters-and-digits", "other-card", "first", "last-is-gone", "last-is-no-text"],
)
def test_the_machine_that_this_host_plays(
    named: str | None, last: object, cards: list[str], expected: str, tmp_path: Path
) -> None:
    place = Place(tmp_path)
    if last is not None:
        place.write_desired({"machine": last})
    assert pick_machine(usual(), named, place, cards) == expected


def test_a_machine_that_is_not_declared_is_an_error_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no machine is called 'pc9'") as raised:
        pick_machine(usual(), "pc9", Place(tmp_path), [])
    assert raised.value.remedy == "choose from mainpc, pc2, pc3"


BROKEN = Unreachable("the archive of jammy does not answer")


def planned(*unmade: str) -> Planned:
    return Planned(NOTHING, (), Made(), dict.fromkeys(unmade, BROKEN), ())


def test_what_cannot_be_built_is_left_out_with_why(tmp_path: Path) -> None:
    choice = choose(usual(), "mainpc", gpu=True)
    name = choice.instances[0].name
    rest = buildable(choice, planned(name), Place(tmp_path))
    assert [each.name for each in rest.all] == [each.name for each in choice.all if each.name != name]
    assert rest.left_out[-1].why == "cannot be built: the archive of jammy does not answer"


def test_what_runs_is_not_stopped_because_it_cannot_be_built(tmp_path: Path) -> None:
    choice = choose(usual(), "mainpc", gpu=True)
    first = choice.instances[0]
    place = Place(tmp_path)
    place.write_desired({"instances": [{"machine": first.machine, "service": first.service}]})
    with pytest.raises(Unreachable, match="archive of jammy"):
        buildable(choice, planned(first.name), place)


def test_nothing_that_can_be_built_is_an_error(tmp_path: Path) -> None:
    choice = choose(usual(), "mainpc", gpu=True)
    with pytest.raises(Unreachable, match="archive of jammy"):
        buildable(choice, planned(*(each.name for each in choice.all)), Place(tmp_path))


@pytest.mark.parametrize("host", ["tcp://192.0.2.1:2376", "ssh://user@host", "unix:///nonexistent/docker.sock"])
def test_an_engine_elsewhere_cannot_see_this_hosts_files(host: str) -> None:
    with pytest.raises(EngineUnavailable, match="not on this host"):
        local_socket(Docker(Path("docker"), host))


def test_the_socket_is_the_one_behind_a_link(tmp_path: Path) -> None:
    """A link would be bound into the filter as a link to nowhere."""
    (tmp_path / "real.sock").touch()
    (tmp_path / "docker.sock").symlink_to("real.sock")
    assert local_socket(Docker(Path("docker"), f"unix://{tmp_path}/docker.sock")) == tmp_path / "real.sock"


def test_what_is_healthy_is_noted_for_the_release_that_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKWRIGHT_STATE", str(tmp_path))
    made = contents({"mainpc/Alpha": "a", "pc2/Beta": "a"})
    rows = [
        {"machine": machine, "service": service, "image_digest": made.instances[f"{machine}/{service}"].digest}
        for machine, service in (("mainpc", "Alpha"), ("pc2", "Beta"))
    ]
    said: list[str] = []
    assert note_healthy("mainpc", rows, said.append) == ""
    name = f"20261124-{SHA[:12]}"
    shelve(shelf.here(), [record(name, made)])
    # Somebody makes a release at this very moment: what runs is none the worse for it.
    with shelf.here().alone():
        assert note_healthy("mainpc", rows, said.append) == ""
    assert [line.partition(":")[0] for line in said] == ["that all is healthy was not noted for any release"]
    assert health.last_healthy(shelf.here()) is None
    assert note_healthy("mainpc", rows, said.append) == name
    assert health.last_healthy(shelf.here(), ("mainpc",)) == shelf.here().find(name)
