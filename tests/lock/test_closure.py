"""A lock is whole or it is not, whatever the resolver says: properties over packages that need each other."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from dockwright.lock import closure
from dockwright.lock.pins import Pin
from dockwright.lock.platform import Target
from dockwright.lock.requirement import Asked
from dockwright.lock.tasks import Rules

MARKERS = Target("3.11", (2, 36)).markers
HASHES = ("sha256:" + "a" * 64,)


def pin(name: str, version: str = "2.0") -> Pin:
    return Pin(name, version, HASHES, 1)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Asked], dict[str, tuple[str, ...] | None], dict[str, Pin]]:
    """Inputs, what each package needs, and the pins of everything that is reached: a package needs later ones only."""
    names = [f"p{number}" for number in range(draw(st.integers(2, 9)))]
    needs: dict[str, tuple[str, ...] | None] = {}
    for number, name in enumerate(names):
        others = draw(st.lists(st.sampled_from(names[number + 1 :]), unique=True)) if names[number + 1 :] else []
        needs[name] = tuple(f"{other}>=1" for other in others)
    wanted = draw(st.lists(st.sampled_from(names), unique=True, min_size=1))
    reached, waiting = set(), list(wanted)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [text.split(">")[0] for text in needs[name] or ()]
    asked = [Asked(Requirement(name), "a/requirements.in", 1) for name in wanted]
    return asked, needs, {name: pin(name) for name in reached}


def wrong(asked: list[Asked], needs: closure.Needs, pins: dict[str, Pin]) -> list[tuple[str, str]]:
    walk = closure.walk(asked, needs, pins, MARKERS, Rules())
    return [(finding.path, finding.message) for finding in closure.findings(walk, pins, "a.lock")]


@given(worlds())
def test_a_closure_has_nothing_wrong(world: tuple[list[Asked], closure.Needs, dict[str, Pin]]) -> None:
    asked, needs, pins = world
    assert wrong(asked, needs, pins) == []
    assert set(closure.walk(asked, needs, pins, MARKERS, Rules()).via) == set(pins)


@given(worlds(), st.data())
def test_a_missing_pin_is_found_by_everyone_who_needs_it(
    world: tuple[list[Asked], closure.Needs, dict[str, Pin]], data: st.DataObject
) -> None:
    asked, needs, pins = world
    lost = data.draw(st.sampled_from(sorted(pins)))
    left = {name: value for name, value in pins.items() if name != lost}
    missing = [says for path, says in wrong(asked, needs, left) if path == lost]
    assert missing
    assert all(says.endswith("; nothing is pinned") for says in missing)


@given(worlds(), st.data())
def test_a_pin_below_what_somebody_needs_is_found(
    world: tuple[list[Asked], closure.Needs, dict[str, Pin]], data: st.DataObject
) -> None:
    asked, needs, pins = world
    needed = sorted({text.split(">")[0] for name in pins for text in needs[name] or ()})
    if needed:
        low = data.draw(st.sampled_from(needed))
        found = wrong(asked, needs, {**pins, low: replace(pins[low], version="0.9")})
        assert any(path == low and f"needs {low}>=1; pinned is 0.9" in says for path, says in found)


@given(worlds())
def test_a_pin_that_nobody_asks_for_is_found(world: tuple[list[Asked], closure.Needs, dict[str, Pin]]) -> None:
    asked, needs, pins = world
    found = wrong(asked, needs, {**pins, "stray": pin("stray")})
    assert found == [("stray", "stray==2.0 is pinned, and nothing asks for it")]


def test_extras_markers_and_what_is_left_out_count_as_they_should() -> None:
    asked = [Asked(Requirement("app[fast]"), "a/requirements.in", 1)]
    texts = ('speed>=1; extra == "fast"', 'slow; extra == "small"', 'old; python_version < "3"', "ray", "base[more]")
    needs: closure.Needs = {"app": texts, "speed": (), "base": ('extra-base; extra == "more"',), "extra-base": ()}
    pins = {name: pin(name) for name in ("app", "speed", "base", "extra-base")}
    made = closure.walk(asked, needs, pins, MARKERS, Rules(without={"ray": "one card"}))
    assert closure.findings(made, pins, "a.lock") == []
    assert {via.requirement for via in made.via["speed"]} == {"speed>=1"}
    assert {via.requirement for via in closure.walk(asked, needs, pins, MARKERS, Rules()).unmet} == {"ray"}


def test_where_a_package_could_not_be_read_strays_are_no_errors() -> None:
    asked = [Asked(Requirement("app"), "a/requirements.in", 1)]
    pins = {name: pin(name) for name in ("app", "other")}
    made = closure.walk(asked, {"app": None}, pins, MARKERS, Rules())
    assert made.opaque == {"app"}
    assert closure.findings(made, pins, "a.lock") == []


def test_a_circle_of_packages_ends() -> None:
    asked = [Asked(Requirement("a"), "a/requirements.in", 1)]
    pins = {name: pin(name) for name in ("a", "b")}
    made = closure.walk(asked, {"a": ("b",), "b": ("a>=1",)}, pins, MARKERS, Rules())
    assert closure.findings(made, pins, "a.lock") == []
    assert {via.source for via in made.via["a"]} == {"a/requirements.in", "b"}


@given(st.lists(st.text(max_size=40), max_size=4))
def test_no_metadata_makes_it_stumble(texts: list[str]) -> None:
    asked = [Asked(Requirement("app"), "a/requirements.in", 1)]
    closure.walk(asked, {"app": tuple(texts)}, {"app": pin("app")}, MARKERS, Rules())


def test_a_marker_that_means_nothing_counts() -> None:
    asked = [Asked(Requirement("app"), "a/requirements.in", 1)]
    needs: closure.Needs = {"app": ('odd; python_version ~= "three"',)}
    assert [via.requirement for via in closure.walk(asked, needs, {"app": pin("app")}, MARKERS, Rules()).unmet] == [
        "odd"
    ]


def test_a_release_that_is_taken_instead_meets_whoever_asks_for_another() -> None:
    asked = [Asked(Requirement("app"), "a/requirements.in", 1)]
    needs: closure.Needs = {"app": ("Format_Enforcer==0.10",), "format-enforcer": ()}
    rules = Rules(instead={"format-enforcer": "0.11"})
    for version, met in (("0.10", False), ("0.11.3", True)):
        pins = {"app": pin("app"), "format-enforcer": pin("format-enforcer", version)}
        walk = closure.walk(asked, needs, pins, MARKERS, rules)
        assert (walk.unmet == []) == met
    assert [via.requirement for via in walk.via["format-enforcer"]] == ["Format_Enforcer==0.10"]
