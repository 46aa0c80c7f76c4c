"""What `plan` tells people and programs, for plans of every kind."""

from __future__ import annotations

import json

import pytest
from build.small import checkout, planned
from build.stores import DIRTY, EARLIER, NAME, ORIGIN, have, other, stored

from dockwright.build import plan
from dockwright.build.images import Image
from dockwright.build.layers import Layer
from dockwright.build.plan import Plan
from dockwright.build.remote import Remote
from dockwright.cli.planned import Told

ENGINE = "unix:///run/docker.sock"
PLACE = "registry.example:5000/fleet"


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image]:
    every = planned(checkout(tmp_path_factory.mktemp("plan")))
    return {name: every[name] for name in ("base-utils", "family-web", NAME)}


def measured(made: Plan, size: int = 1_000_000) -> dict[str, Layer]:
    return {layer: Layer(3 * size, size, True) for layer in made.layers()}


def test_a_plan_with_nothing_to_do_says_so_and_why(images: dict[str, Image]) -> None:
    made = plan.decide(images, have(*(stored(image, ORIGIN) for image in images.values())), ORIGIN)
    told = Told(made, measured(made), ENGINE)
    assert told.rows() == []
    assert list(told.closing()) == [
        "nothing to do: the engine has all 3 images, of exactly these inputs",
        "a push to an empty registry would move 6.0 MB",
    ]


def test_a_build_is_a_row_with_what_has_changed(images: dict[str, Image]) -> None:
    before = other(images[NAME], pin={"click": "1"}, file=dict.fromkeys(("a", "b", "c", "d", "e"), "sha256:0"))
    there = have(stored(images["base-utils"], ORIGIN), stored(images["family-web"], EARLIER))
    made = plan.explained(plan.decide(images, there, ORIGIN), [stored(before, EARLIER)], {})
    told = Told(made, measured(made), ENGINE)
    click = images[NAME].parts["pin"]["click"]
    assert told.rows() == [
        (NAME, "build", f"pin click 1 -> {click}; file a removed; file b removed; file c removed; and 2 more")
    ]
    assert list(told.closing()) == [
        f"tag 1 images again, as {ORIGIN.tag}: nothing that decides them has changed",
        "build 1, tag 1, leave 1 of 3 images",
        "a push to an empty registry would move 4.0 MB; of what is not built yet, nobody knows",
    ]


def test_a_dirty_tree_is_said_where_something_is_built(images: dict[str, Image]) -> None:
    told = list(Told(plan.decide(images, {}, DIRTY), {}, ENGINE).closing())
    assert told[1] == f"the work tree holds what no commit has: {DIRTY.tag}; no release takes such images"


def test_layers_that_nobody_measured_are_not_passed_over(images: dict[str, Image]) -> None:
    made = plan.decide(images, have(stored(images[NAME], ORIGIN)), ORIGIN)
    known = dict(list(measured(made).items())[:1])
    told = Told(made, known, ENGINE)
    assert list(told.closing())[-1].endswith("; 1 layers are not measured, ./dockwright sizes does that")
    image = {row["name"]: row for row in told.as_json()["images"]}[NAME]  # type: ignore[attr-defined]
    assert image["compressed_bytes"] is None


def test_what_a_registry_has_is_pulled_and_not_pushed(images: dict[str, Image]) -> None:
    web = stored(images["family-web"], ORIGIN)
    remote = Remote(PLACE, {"base-utils": 2_500_000, "family-web": 9_000_000}, {web.layers[0]: 500_000})
    made = plan.taken(plan.decide(images, have(web), ORIGIN), remote.images)
    told = Told(made, measured(made), ENGINE, remote)
    assert told.rows()[0] == ("base-utils", "pull", f"{PLACE} has it: 2.5 MB at most")
    assert [row[:2] for row in told.rows()[1:]] == [(NAME, "build")]
    assert list(told.closing()) == [
        "build 1, pull 1, leave 1 of 3 images",
        f"a push to {PLACE} would move 1.0 MB; of what is not built yet, nobody knows",
    ]


def test_without_an_engine_there_are_digests_and_no_promises(images: dict[str, Image]) -> None:
    told = Told(plan.undecided(images, ORIGIN), {}, "")
    assert told.rows() == [(name, "?", image.input_digest) for name, image in images.items()]
    assert list(told.closing()) == ["3 images by input digest; which of them are there, only an engine can say"]
    assert told.as_json()["engine"] is None


def test_programs_are_told_everything(images: dict[str, Image]) -> None:
    before = other(images[NAME], pin={"click": "1"})
    made = plan.explained(
        plan.decide(images, have(stored(images["family-web"], EARLIER)), ORIGIN), [stored(before, EARLIER)], {}
    )
    found = json.loads(json.dumps(Told(made, measured(made), ENGINE).as_json()))
    assert (found["tag"], found["dirty"], found["git_sha"]) == (ORIGIN.tag, False, ORIGIN.git_sha)
    assert found["counts"] == {"build": 2, "pull": 0, "tag": 1, "nothing": 0, "unknown": 0}
    assert found["push"] == {"bytes": 2_000_000, "layers_not_measured": 0, "images_not_built": ["base-utils", NAME]}
    rows = {row["name"]: row for row in found["images"]}
    click = images[NAME].parts["pin"]["click"]
    assert rows[NAME]["changes"] == [{"kind": "pin", "name": "click", "before": "1", "now": click}]
    assert rows[NAME]["since"] == stored(before, EARLIER).reference
    assert rows["family-web"]["compressed_bytes"] == 2_000_000
    assert rows["base-utils"]["why"] == plan.NEVER


def test_a_registry_without_what_is_asked_for_changes_nothing(images: dict[str, Image]) -> None:
    made = plan.decide(images, {}, ORIGIN)
    assert plan.taken(made, {}) == made
