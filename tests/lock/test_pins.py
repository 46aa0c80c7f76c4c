"""Locks are read without the resolver: every pin exact and hashed, a child's lock on top of its parent's."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockwright.errors import UnreadableInput
from dockwright.lock.pins import layering, normal, read_lock

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
GOOD = f"""# This file was made by a program
Typing_Extensions==4.12.2 \\
    --hash=sha256:{"1" * 64} \\
    --hash={B}
    # via one

two[extra,other]==1.0.post1 ; python_full_version < "3.12" \\
    --hash={A}
"""


def lock(folder: Path, text: str, name: str = "requirements.lock") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_lock_is_its_pins_with_their_lines_and_hashes(tmp_path: Path) -> None:
    pins = read_lock(lock(tmp_path, GOOD))
    assert list(pins) == ["typing-extensions", "two"]
    assert (pins["typing-extensions"].version, pins["typing-extensions"].line) == ("4.12.2", 2)
    assert len(pins["typing-extensions"].hashes) == 2
    assert (pins["two"].version, pins["two"].line, pins["two"].hashes) == ("1.0.post1", 7, (A,))


def test_an_empty_lock_has_no_pins(tmp_path: Path) -> None:
    assert read_lock(lock(tmp_path, "# nothing\n\n")) == {}


@pytest.mark.parametrize(
    "line",
    [
        "one==1.0",
        f"one>=1.0 --hash={A}",
        f"one --hash={A}",
        f"one @ https://example.test/one.whl --hash={A}",
        f"-e . --hash={A}",
        "one==1.0 --hash=md5:d41d8cd98f00b204e9800998ecf8427e",
        "one==1.0 --hash=sha256:abc",
        f"one==1.0 --hash={A}0",
        "--index-url https://example.test/simple",
        "one==1.0 \\",
    ],
)
def test_what_is_no_exact_pin_with_a_hash_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    path = lock(tmp_path, f"good==1 --hash={A}\n{line}\n")
    with pytest.raises(UnreadableInput, match=r"requirements\.lock:2: expected `name==version` with hashes") as caught:
        read_lock(path)
    assert caught.value.remedy == "run ./dockwright lock"


def test_a_lock_that_is_not_there_or_no_text_is_explained(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match=r"nothing\.lock"):
        read_lock(tmp_path / "nothing.lock")
    (tmp_path / "bytes.lock").write_bytes(b"\xff\xfe")
    with pytest.raises(UnreadableInput, match=r"bytes\.lock"):
        read_lock(tmp_path / "bytes.lock")


NAMES = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,10}[A-Za-z0-9])?", fullmatch=True)


@given(NAMES)
def test_a_name_is_compared_in_one_form(name: str) -> None:
    assert normal(normal(name)) == normal(name)
    assert normal(name.upper()) == normal(name.replace("_", "-")) == normal(name)


@given(st.dictionaries(NAMES.map(normal), st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}", fullmatch=True), max_size=8))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, pins: dict[str, str]) -> None:
    path = tmp_path_factory.mktemp("lock") / "requirements.lock"
    path.write_text("".join(f"{name}=={version} \\\n    --hash={A}\n" for name, version in pins.items()))
    assert {name: pin.version for name, pin in read_lock(path).items()} == pins


def test_a_child_that_contains_its_parent_has_no_findings(tmp_path: Path) -> None:
    parent = lock(tmp_path, f"one==1 --hash={A}\n", "parent")
    child = lock(tmp_path, f"extra==3 --hash={B}\nOne==1 --hash={A}\n", "child")
    assert layering(child, parent) == []
    assert layering(parent, parent) == []


def test_each_pin_that_moved_or_is_missing_is_a_finding(tmp_path: Path) -> None:
    parent = lock(tmp_path, f"one==1 --hash={A}\ntwo==2 --hash={A}\nthree==3 --hash={A}\n", "parent")
    child = lock(tmp_path, f"three==3 --hash={A}\none==1.1 --hash={A}\n", "child")
    found = [(finding.path, finding.line, finding.message) for finding in layering(child, parent)]
    assert found == [
        ("one", 2, f"one is 1.1 here; the parent's lock {parent} pins 1"),
        ("two", 1, f"two is missing; the parent's lock {parent} pins 2"),
    ]
