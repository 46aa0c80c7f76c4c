"""Records and the shelf that keeps them: written once, found by few letters, never believed when they were changed."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from release.made import OTHER_SHA, SHA, bill, contents, digest, record, shelve

from dockwright.errors import DockwrightError, UnreadableInput, UsageError
from dockwright.release.record import read
from dockwright.release.shelf import Shelf

ROOT = Path(__file__).parents[2]
DAY = f"20261124-{SHA[:12]}"
OTHER = f"20261125-{OTHER_SHA[:12]}"
ONE = contents({"mainpc/Alpha": "a"})
TWO = contents({"mainpc/Alpha": "b"})


def shelf(folder: Path, *names: str) -> Shelf:
    """A shelf with releases of these names, made in this order, each with an image of its own."""
    made = Shelf(folder / "releases")
    shelve(made, (record(name, contents({"mainpc/Alpha": name}), at) for at, name in enumerate(names)))
    return made


def test_a_record_is_read_as_it_was_written() -> None:
    made = record(DAY, ONE)
    assert read(made.text().encode(), "x") == made
    assert read(made.text().encode(), "x").text() == made.text()


def test_its_digest_is_of_what_it_refers_to_alone() -> None:
    assert record(DAY, ONE, 1).digest == record(DAY, ONE, 2, {"mainpc/Alpha": 5}).digest != record(DAY, TWO).digest
    assert contents({"b/B": "b", "a/A": "a"}).digest == contents({"a/A": "a", "b/B": "b"}).digest


def test_a_record_fits_its_published_schema() -> None:
    schema = json.loads((ROOT / "docs" / "reference" / "release.schema.json").read_text())
    good = json.loads(record(DAY, ONE).text())
    jsonschema.validate(good, schema)
    for key in good:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({name: value for name, value in good.items() if name != key}, schema)


def test_a_changed_record_is_no_record() -> None:
    made = json.loads(record(DAY, ONE).text())
    made["contents"]["instances"]["mainpc/Alpha"]["digest"] = digest("another image")
    with pytest.raises(UnreadableInput, match="was changed after it was written"):
        read(json.dumps(made).encode(), "x")
    made["contents"]["instances"]["mainpc/Alpha"]["digest"] = "latest"
    with pytest.raises(UnreadableInput, match=r"x: no release record: .*mainpc/Alpha\.digest"):
        read(json.dumps(made).encode(), "x")


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps).map(str.encode)
)
def test_whatever_bytes_are_no_record_and_no_traceback(data: bytes) -> None:
    with pytest.raises(UnreadableInput):
        read(data, "x")


def test_a_release_is_written_once_and_read_only(tmp_path: Path) -> None:
    made = shelf(tmp_path)
    path = made.add(record(DAY, ONE), {digest(""): b""})
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    before = path.read_bytes()
    with pytest.raises(DockwrightError, match="a release is never replaced"):
        made.add(record(DAY, TWO), {})
    assert path.read_bytes() == before
    assert made.bill(digest("")) == b""
    assert [found.name for found in tmp_path.rglob(".*")] == []


def test_one_commit_released_again_with_other_images_gets_a_number(tmp_path: Path) -> None:
    made = shelf(tmp_path)
    for number in range(12):
        name = made.free_name(DAY)
        assert name == (DAY if not number else f"{DAY}-{number + 1}")
        made.add(record(name, contents({"mainpc/Alpha": str(number)})), {})
    assert made.names() == [DAY, *(f"{DAY}-{number}" for number in range(2, 13))]
    assert made.same(contents({"mainpc/Alpha": "7"}).digest) == made.find(f"{DAY}-8")
    assert made.same(ONE.digest) is None


def test_few_letters_are_enough_and_too_few_are_told(tmp_path: Path) -> None:
    made = shelf(tmp_path, DAY, OTHER, f"{OTHER}-2")
    assert made.find(DAY).name == DAY
    assert made.find("20261124").name == DAY
    assert made.find(SHA[:7]).name == DAY
    assert made.find(OTHER).name == OTHER, "a whole name is never ambiguous"
    assert made.find("latest").name == f"{OTHER}-2"
    with pytest.raises(UsageError, match=f"2026 may mean {DAY}, {OTHER}, {OTHER}-2"):
        made.find("2026")
    with pytest.raises(UsageError, match="did you mean 'latest'"):
        made.find("lates")
    with pytest.raises(UsageError, match=f"did you mean '{DAY}'"):
        made.find(DAY.replace("1124", "1142"))
    with pytest.raises(UsageError, match=f"no release before {OTHER}-2 was seen healthy"):
        made.find("prev", lambda _: None)
    assert made.find("prev", lambda _: made.find(DAY)).name == DAY


def test_without_a_release_its_making_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as told:
        shelf(tmp_path).find("latest")
    assert told.value.remedy == "./dockwright release create makes one"


def test_one_that_cannot_be_read_is_never_left_out_in_silence(tmp_path: Path) -> None:
    made = shelf(tmp_path, DAY, OTHER)
    path = made.home / f"{DAY}.json"
    path.unlink()
    path.write_text("{")
    with pytest.raises(UnreadableInput, match=DAY):
        made.all()
    path.write_bytes((made.home / f"{OTHER}.json").read_bytes())
    with pytest.raises(UnreadableInput, match=f"{DAY}.json: holds the release {OTHER}"):
        made.find("latest")


def test_a_bill_of_materials_is_what_its_digest_says(tmp_path: Path) -> None:
    made = shelf(tmp_path)
    data = bill(numpy="1.0")
    shelve(made, [record(DAY, contents({"mainpc/Alpha": "a"}, {"mainpc/Alpha": data}))], [data])
    key = made.find("latest").contents.instances["mainpc/Alpha"].sbom
    assert [one.name for one in made.components(key)] == ["numpy"]
    path = made.bill_path(key)
    path.chmod(0o644)
    path.write_bytes(bill(numpy="2.0"))
    with pytest.raises(UnreadableInput, match="was changed"):
        made.components(key)
    path.unlink()
    with pytest.raises(UnreadableInput, match="No such file"):
        made.components(key)
