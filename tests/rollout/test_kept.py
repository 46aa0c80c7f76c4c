"""What was rendered for a release is read again as what shall run; files that are not whole are said."""

from __future__ import annotations

from pathlib import Path

import pytest
from rollout.fleets import stored, usual
from rollout.test_compose import HOST

from dockwright.errors import UnreadableInput
from dockwright.rollout import compose, kept
from dockwright.rollout.choice import choose
from dockwright.rollout.desired import desired
from dockwright.rollout.place import Place
from dockwright.spec.model import Instance

from rollout.test_desired import NOW  # isort: skip

RELEASE = "20261124-59b51f84018b"
CALLER, SUPERVISOR = Instance("Caller", "mainpc"), Instance("SelfHealingSupervisor", "mainpc")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place where the usual fleet's release is kept."""
    made = Place(tmp_path / "rollout")
    choice = choose(usual(), "mainpc", gpu=False)
    images = {each: stored(each) for each in choice.all}
    named = {each: f"{one.reference.rpartition(':')[0]}@{one.digest}" for each, one in images.items()}
    content = compose.render(usual(), choice, named, HOST)
    rows = desired(usual(), choice, images, NOW, {"git_sha": "0" * 40, "tag": RELEASE})
    kept.write(made, RELEASE, compose.text(content, Path("c.yaml"), "unix:///x", "deploy"), rows)
    return made


def test_what_is_kept_says_what_shall_run(place: Place) -> None:
    found = kept.read(place, "mainpc", RELEASE)
    assert found is not None
    assert set(found.targets) == set(choose(usual(), "mainpc", gpu=False).all)
    target = found.targets[CALLER]
    assert (target.host, target.release, target.image) == ("mainpc", RELEASE, stored(CALLER).digest)
    assert target.reference.endswith(f"@{target.image}")
    assert target.config.startswith("sha256:")
    assert (target.health_port, target.start_seconds) == (usual().services["Caller"].health_port, 20)


def test_the_filter_goes_with_the_one_that_it_is_for(place: Place) -> None:
    found = kept.read(place, "mainpc", RELEASE)
    assert found is not None
    assert found.services(SUPERVISOR) == ["self-healing-supervisor", "docker-filter"]
    assert found.services(CALLER) == ["caller"]


def test_a_release_that_was_never_here_is_none(place: Place) -> None:
    assert kept.read(place, "mainpc", "20261123-59b51f84018b") is None


@pytest.mark.parametrize("text", ["", "services: 7", "services: {}", "a: [", "- 1"])
def test_a_file_that_is_not_whole_is_said(place: Place, text: str) -> None:
    (kept.folder(place, RELEASE) / "compose.yaml").write_text(text)
    with pytest.raises(UnreadableInput, match="is no compose file of the fleet"):
        kept.read(place, "mainpc", RELEASE)
