"""Parts of images: one digest for equal parts only, a record that stays small, and changes told by their names."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockwright.build import parts
from dockwright.build.parts import Change

WORDS = st.text("abc", max_size=3)
PARTS = st.dictionaries(WORDS, st.dictionaries(WORDS, WORDS, min_size=1, max_size=3), max_size=3)
ONE, OTHER = (f"sha256:{digit * 64}" for digit in "12")


@given(PARTS, PARTS)
def test_equal_parts_and_only_they_have_one_digest(one: parts.Parts, other: parts.Parts) -> None:
    assert (parts.digest(one) == parts.digest(other)) == (one == other)


@given(PARTS, PARTS)
def test_what_differs_is_told_and_nothing_else(one: parts.Parts, other: parts.Parts) -> None:
    recorded = parts.recorded(parts.record(one))
    assert recorded is not None
    assert bool(parts.changes(recorded, other)) == (one != other)


def test_a_digest_names_its_kind() -> None:
    assert parts.digest({}) == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_record_holds_short_digests_and_whole_values() -> None:
    text = parts.record({"file": {"a/b.py": ONE}, "pin": {"fastapi": "0.165.0"}, "lock": {}})
    assert json.loads(text) == {"file": {"a/b.py": "sha256:111111111111"}, "pin": {"fastapi": "0.165.0"}}


@pytest.mark.parametrize("text", ["", "no", "[]", "1", '{"file": 1}', '{"file": ["a"]}', "null", "[" * 10_000])
def test_what_is_no_record_is_none(text: str) -> None:
    """Labels come from engines and registries, where anybody may have written them."""
    assert parts.recorded(text) is None


def test_many_files_are_recorded_by_their_folders() -> None:
    flat = {f"a/b/{number}.py": ONE for number in range(150)} | {f"a/{number}.py": ONE for number in range(150)}
    record = json.loads(parts.record({"file": {**flat, "top.py": ONE}, "pin": {str(n): "1" for n in range(300)}}))
    assert len(record["file"]) == 152
    assert len(record["pin"]) == 300
    recorded = parts.recorded(json.dumps(record))
    assert recorded is not None
    changed = {"file": {**flat, "top.py": ONE, "a/b/7.py": OTHER}, "pin": record["pin"]}
    assert [str(change) for change in parts.changes(recorded, changed)] == ["file a/b/"]


@given(st.dictionaries(st.lists(WORDS.filter(bool), min_size=1, max_size=4).map("/".join), st.just(ONE), max_size=600))
def test_a_record_is_bounded(files: dict[str, str]) -> None:
    found = parts.recorded(parts.record({"file": files})) or {}
    assert len(found.get("file", {})) <= parts.MOST_FILES


CHANGES = {
    "file a.py": Change("file", "a.py", ONE, OTHER),
    "file a.py added": Change("file", "a.py", None, ONE),
    "kit a.py removed": Change("kit", "a.py", ONE, None),
    "pin numpy 1.0 -> 2.0": Change("pin", "numpy", "1.0", "2.0"),
    "pin numpy 1.0 added": Change("pin", "numpy", None, "1.0"),
    "profile OMP_NUM_THREADS 8 removed": Change("profile", "OMP_NUM_THREADS", "8", None),
    "parent family-web": Change("parent", "family-web", ONE, OTHER),
    "Dockerfile": Change("Dockerfile", "Dockerfile", ONE, OTHER),
    "Dockerfile.dockerignore": Change("Dockerfile", "Dockerfile.dockerignore", ONE, OTHER),
    "root build": Change("root", "build", ONE, OTHER),
}


@pytest.mark.parametrize(("text", "change"), CHANGES.items(), ids=CHANGES)
def test_a_change_is_a_few_words(text: str, change: Change) -> None:
    assert str(change) == text


def test_what_is_furthest_below_comes_first() -> None:
    before = {kind: {"name": "1"} for kind in ("tool", "file", "unheard of", "root", "pin", "parent")}
    found = parts.changes(before, {kind: {"name": "2"} for kind in before})
    assert [change.kind for change in found] == ["root", "parent", "pin", "file", "tool", "unheard of"]
