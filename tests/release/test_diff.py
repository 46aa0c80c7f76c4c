"""What is told of two releases: exactly what differs, in words that name it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from release.made import OTHER_SHA, SHA, bill, contents, digest, picture, record

from dockwright.build import sbom
from dockwright.cli import released
from dockwright.release.diff import Difference, difference
from dockwright.release.versions import PackageChange, changes, way

FIRST, SECOND = f"20261124-{SHA[:12]}", f"20261125-{OTHER_SHA[:12]}"
USUAL = {
    "mainpc/Alpha": bill(numpy="1.9", deb_curl="7.88.1-10"),
    "mainpc/Beta": bill(numpy="1.9"),
    "pc2/Beta": bill(numpy="1.9"),
}
WORDS = dict.fromkeys(USUAL, "a")


def compare(
    words: dict[str, str], bills: dict[str, bytes], *, sizes: dict[str, int] | None = None, **more: Any
) -> Difference:
    """The usual release against another one."""
    before = record(FIRST, contents(WORDS, USUAL), sizes=dict.fromkeys(WORDS, 10_000_000))
    after = record(SECOND, contents(words, bills, **more), sizes=sizes or dict.fromkeys(words, 10_000_000))
    known = {f"sha256:{hashlib.sha256(data).hexdigest()}": data for data in (*USUAL.values(), *bills.values())}
    return difference(before, after, lambda key: sbom.read(known[key], key).components)


def text(found: Difference) -> list[str]:
    return list(released.difference(found))


def test_equal_releases_differ_in_nothing() -> None:
    found = compare(WORDS, USUAL)
    assert found.empty
    assert text(found) == [f"{FIRST} -> {SECOND}", f"commit: {SHA[:12]} (the same)", "nothing else differs"]
    assert compare(WORDS, USUAL, git_sha=OTHER_SHA).empty


def test_one_package_in_one_service_is_that_package_in_that_service() -> None:
    bills = USUAL | {"mainpc/Beta": bill(numpy="1.10")}
    found = compare(
        WORDS | {"mainpc/Beta": "b"}, bills, sizes=dict.fromkeys(WORDS, 10_000_000) | {"mainpc/Beta": 13_000_000}
    )
    change = PackageChange("pypi", "numpy", "1.9", "1.10", "up")
    assert found.packages() == {change: ["mainpc/Beta"]}
    assert text(found)[2:] == [
        "",
        "instances (1)",
        "  mainpc/Beta changed: 1 package, 3.0 MB larger",
        "",
        "packages (1)",
        "  numpy 1.9 -> 1.10 up in mainpc/Beta",
    ]


def test_one_change_in_many_services_is_told_once() -> None:
    bills = {name: bill(numpy="2.0") for name in USUAL} | {"mainpc/Alpha": bill(numpy="2.0", deb_curl="7.88.1-10")}
    lines = text(compare(dict.fromkeys(USUAL, "b"), bills))
    assert "  numpy 1.9 -> 2.0 up in mainpc/Alpha, mainpc/Beta, pc2/Beta" in lines
    assert lines[lines.index("packages (1)") + 1 :] == ["  numpy 1.9 -> 2.0 up in mainpc/Alpha, mainpc/Beta, pc2/Beta"]


def test_new_and_gone_instances_are_not_counted_by_package() -> None:
    words = {name: "a" for name in WORDS if name != "pc2/Beta"} | {"pc2/Gamma": "a"}
    found = compare(words, USUAL | {"pc2/Gamma": bill(scipy="1")})
    assert [(one.name, one.way) for one in found.instances] == [("pc2/Beta", "gone"), ("pc2/Gamma", "added")]
    assert found.packages() == {}


def test_an_image_built_again_from_equal_inputs_is_told_to_be() -> None:
    after = contents(WORDS, USUAL).model_dump(mode="json")
    after["instances"]["pc2/Beta"]["digest"] = digest("built again")
    found = compare(WORDS, USUAL, instances=after["instances"])
    assert text(found)[2:] == ["", "instances (1)", "  pc2/Beta built again from equal inputs"]


def test_everything_else_that_differs_is_named() -> None:
    found = compare(
        WORDS,
        USUAL,
        families={"base": picture("base", "other"), "web": picture("web", "web")},
        roots={},
        profiles={"mainpc": {"OMP_NUM_THREADS": 8}, "pc2": {"OMP_NUM_THREADS": 4}},
        locks={"fleet/families/base/requirements.lock": digest("other")},
        tickets={"0030": {"title": "prev is healthy", "status": "open"}},
        left_out={"pc2/Late": "not built"},
    )
    assert text(found)[2:] == [
        *("", "families (2)", "  base changed", "  web added"),
        *("", "roots (1)", "  debian-bookworm gone"),
        *("", "profiles (1)", "  mainpc.OMP_NUM_THREADS: 4 -> 8"),
        *("", "tickets (2)", "  0019 gone: tags of families (decided)", "  0030 added: prev is healthy (open)"),
        *("", "locks (1)", "  fleet/families/base/requirements.lock changed"),
        *("", "left out (1)", "  pc2/Late added: not built"),
    ]
    told = json.loads(json.dumps(found.as_json()))
    assert [one["way"] for one in told["families"]] == ["changed", "added"]
    assert not told["empty"]


@pytest.mark.parametrize(
    ("kind", "before", "after", "expected"),
    [
        ("pypi", "1.9", "1.10", "up"),
        ("pypi", "2.0", "2.0rc1", "down"),
        ("pypi", "2.2.2", "2.2.2+cu121", "up"),
        ("pypi", "1.0", "1.0.0", "changed"),
        ("pypi", "1.0", "?", "changed"),
        ("deb", "1:1.0-1", "2.0-1", "down"),
        ("deb", "1.0~rc1-1", "1.0-1", "up"),
        ("deb", "7.88.1-10+deb12u8", "7.88.1-10+deb12u12", "up"),
        ("", "1", "2", "changed"),
        ("deb", "", "1", "added"),
        ("deb", "1", "", "gone"),
    ],
)
def test_versions_go_up_or_down_as_their_own_kind_orders_them(
    kind: str, before: str, after: str, expected: str
) -> None:
    assert way(kind, before, after) == expected


def component(kind: str, name: str, version: str) -> sbom.Component:
    return sbom.Component(name, version, f"pkg:{kind}/{name}@{version}")


COMPONENTS = st.lists(
    st.builds(
        component, st.sampled_from(["deb", "pypi", "npm"]), st.sampled_from("abcd"), st.sampled_from(["1", "2", "x y"])
    )
)


@given(COMPONENTS, COMPONENTS)
def test_a_comparison_the_other_way_round_says_the_opposite(
    before: list[sbom.Component], after: list[sbom.Component]
) -> None:
    opposite = {"up": "down", "down": "up", "added": "gone", "gone": "added", "changed": "changed"}
    there = changes(before, after)
    back = [PackageChange(one.kind, one.name, one.after, one.before, one.way) for one in changes(after, before)]
    assert [(one.name, one.before, one.after, opposite[one.way]) for one in back] == [
        (one.name, one.before, one.after, one.way) for one in there
    ]
    assert changes(before, reversed(before)) == ()
    named = {(one.kind, one.name) for one in there}
    for key in {(one.kind, one.name) for one in (*before, *after)} - named:
        assert {one.version for one in before if (one.kind, one.name) == key} == {
            one.version for one in after if (one.kind, one.name) == key
        }
