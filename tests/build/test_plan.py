"""Plans: what is built, what is tagged, what is left, and why. Facts in, decisions out."""

from __future__ import annotations

from pathlib import Path

import pytest
from build.small import checkout, planned
from build.stores import DIRTY, EARLIER, NAME, ORIGIN, have, other, stored

from dockwright.build import plan, tags
from dockwright.build.images import Image
from dockwright.build.plan import LOST, NEVER, UNRECORDED, UNTAGGED
from dockwright.build.store import Stored


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image]:
    return planned(checkout(tmp_path_factory.mktemp("plan")))


def test_what_the_engine_has_with_this_commits_tag_is_left(images: dict[str, Image]) -> None:
    found = plan.decide(images, have(*(stored(image, ORIGIN) for image in images.values())), ORIGIN)
    assert found.empty
    assert found.missing == {}
    assert {entry.action for entry in found.entries.values()} == {"nothing"}


def test_what_another_commit_built_of_equal_inputs_is_tagged(images: dict[str, Image]) -> None:
    image = images[NAME]
    found = plan.decide({NAME: image}, have(stored(image, EARLIER)), ORIGIN)
    entry = found.entries[NAME]
    assert (entry.action, entry.reference) == ("tag", tags.by_commit(image, ORIGIN))
    assert not found.empty


def test_what_lacks_the_tag_of_its_inputs_is_tagged(images: dict[str, Image]) -> None:
    image = images[NAME]
    entry = plan.decide({NAME: image}, have(stored(image, ORIGIN, by_input=False)), ORIGIN).entries[NAME]
    assert (entry.action, entry.reference) == ("tag", tags.by_commit(image, ORIGIN))


def test_a_commit_takes_no_image_that_was_built_before_its_inputs_were_committed(images: dict[str, Image]) -> None:
    image = images[NAME]
    early = stored(image, DIRTY, tag=tags.tag(image, DIRTY))
    entry = plan.decide({NAME: image}, have(early), ORIGIN).entries[NAME]
    assert (entry.action, entry.reason) == ("build", plan.UNCOMMITTED)
    assert plan.decide({NAME: image}, have(early), DIRTY).entries[NAME].action == "nothing"


def test_a_work_tree_that_no_commit_has_leaves_tags_alone(images: dict[str, Image]) -> None:
    image = images[NAME]
    entry = plan.decide({NAME: image}, have(stored(image, EARLIER)), DIRTY).entries[NAME]
    assert (entry.action, entry.reference) == ("nothing", tags.by_commit(image, EARLIER))
    entry = plan.decide({NAME: image}, {}, DIRTY).entries[NAME]
    assert (entry.action, entry.reference) == ("build", tags.by_commit(image, DIRTY))


def test_exactly_what_is_missing_is_built(images: dict[str, Image]) -> None:
    there = have(*(stored(image, ORIGIN) for name, image in images.items() if name not in (NAME, "family-web")))
    found = plan.decide(images, there, ORIGIN)
    assert list(found.missing) == ["family-web", NAME]
    assert found.layers() == {layer for one in there.values() for layer in one.layers}


def explained(image: Image, *earlier: Stored, last: str = "") -> plan.Entry:
    decided = plan.decide({NAME: image}, {}, ORIGIN)
    return plan.explained(decided, earlier, {NAME: last}).entries[NAME]


def test_a_build_is_explained_by_what_has_changed(images: dict[str, Image]) -> None:
    image = images[NAME]
    before = other(image, pin={"fastapi": "0.1"}, file={"service.toml": "sha256:" + "1" * 64})
    entry = explained(image, stored(before, EARLIER), stored(images["family-web"], EARLIER))
    assert entry.reason == f"pin fastapi 0.1 -> {image.parts['pin']['fastapi']}; file service.toml"
    assert entry.since == tags.by_commit(before, EARLIER)


def test_it_is_told_against_what_was_built_last_else_the_nearest(images: dict[str, Image]) -> None:
    image = images[NAME]
    near, far = other(image, pin={"click": "1"}), other(image, pin={"click": "2", "fastapi": "2"})
    both = (stored(far, EARLIER), stored(near, EARLIER))
    assert [change.name for change in explained(image, *both).changes] == ["click"]
    assert [change.name for change in explained(image, *both, last=far.input_digest).changes] == ["click", "fastapi"]


def test_where_nothing_can_be_compared_it_is_said_why(images: dict[str, Image]) -> None:
    image = images[NAME]
    assert explained(image).reason == NEVER
    assert explained(image, last=image.input_digest).reason == LOST
    assert explained(image, stored(other(image, pin={"click": "1"}), EARLIER, parts=None)).reason == UNRECORDED
    assert explained(image, stored(image, EARLIER, by_input=False)).reason == UNTAGGED


def test_what_needs_no_build_needs_no_reason(images: dict[str, Image]) -> None:
    image = images[NAME]
    decided = plan.decide({NAME: image}, have(stored(image, EARLIER)), ORIGIN)
    assert plan.explained(decided, [stored(other(image, pin={"click": "1"}), EARLIER)], {}) == decided


def test_without_an_engine_there_are_digests(images: dict[str, Image]) -> None:
    found = plan.undecided(images, ORIGIN)
    assert {entry.action for entry in found.entries.values()} == {"unknown"}
    assert [entry.image for entry in found.entries.values()] == list(images.values())
    assert found.missing == {}
    assert Path(found.entries[NAME].reference).name == "service-registry:20261124-bbbbbbbbbbbb-mainpc"
