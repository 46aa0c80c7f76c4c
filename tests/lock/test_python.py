"""Which locks there are, in which order, and that resolving keeps what it must: with the real resolver, offline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from lock.wheels import wheel

from dockwright.errors import CommandFailed, DockwrightError
from dockwright.lock import drift, pins, python, tasks
from dockwright.lock.platform import Target
from dockwright.lock.resolver import Stop
from dockwright.lock.tasks import Rules, Task
from dockwright.spec.finding import SpecError
from dockwright.spec.load import load_fleet

ROOT = Path(__file__).parents[2]
TARGET = Target("3.11", (2, 36))


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index with two releases of `one`, and `two`, which needs any `one`."""
    folder = tmp_path / "index"
    for version in ("1.0", "2.0"):
        wheel(folder, "one", version)
    wheel(folder, "two", "1.0", ("one",))
    wheel(folder, "fixed", "1.0", ("one<2",))
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    return folder


def task(root: Path, requirements: str, name: str = "some", parent: str = "") -> Task:
    (root / f"{name}.in").write_text(requirements)
    above = Path(f"{parent}.lock") if parent else None
    return Task(name, name, TARGET, (Path(f"{name}.in"),), Path(f"{name}.lock"), parent, above)


def make(one: Task, root: Path, upgrade: tuple[str, ...] = ()) -> bool:
    made = python.make(one, root, Stop(), upgrade=upgrade, offline=True)
    assert made.findings == ()
    return made.changed


def versions(root: Path, name: str = "some") -> dict[str, str]:
    return {key: pin.version for key, pin in pins.read_lock(root / f"{name}.lock").items()}


def test_a_lock_is_the_closure_with_hashes(tmp_path: Path, index: Path) -> None:
    assert make(task(tmp_path, "two\n"), tmp_path) is True
    assert versions(tmp_path) == {"one": "2.0", "two": "1.0"}
    text = (tmp_path / "some.lock").read_text()
    assert "./dockwright lock" in text
    assert str(tmp_path) not in text


def test_what_fits_stays_until_it_is_asked_to_move(tmp_path: Path, index: Path) -> None:
    one = task(tmp_path, "one<2\n")
    make(one, tmp_path)
    one = task(tmp_path, "one\ntwo\n")
    make(one, tmp_path)
    assert versions(tmp_path) == {"one": "1.0", "two": "1.0"}
    before = (tmp_path / "some.lock").stat().st_mtime_ns
    assert make(one, tmp_path) is False
    assert make(one, tmp_path, ("two",)) is False
    assert (tmp_path / "some.lock").stat().st_mtime_ns == before
    assert make(one, tmp_path, ("one",)) is True
    assert versions(tmp_path)["one"] == "2.0"


def test_all_can_move(tmp_path: Path, index: Path) -> None:
    make(task(tmp_path, "one<2\n"), tmp_path)
    assert make(task(tmp_path, "one\n"), tmp_path, ("*",)) is True
    assert versions(tmp_path) == {"one": "2.0"}


def test_a_child_keeps_its_parents_pins_even_when_newer_ones_are_asked_for(tmp_path: Path, index: Path) -> None:
    make(task(tmp_path, "one<2\n", "parent"), tmp_path)
    child = task(tmp_path, "one\ntwo\n", parent="parent")
    make(child, tmp_path, ("*",))
    assert versions(tmp_path) == {"one": "1.0", "two": "1.0"}
    assert pins.layering(tmp_path / "some.lock", tmp_path / "parent.lock") == []


def test_a_release_is_taken_that_nobody_asks_for(tmp_path: Path, index: Path) -> None:
    one = task(tmp_path, "fixed\n")
    make(one, tmp_path)
    assert versions(tmp_path) == {"fixed": "1.0", "one": "1.0"}
    one = replace(one, rules=Rules(instead={"one": "2.0"}))
    assert {finding.rule for finding in drift.stale(one, tmp_path)} == {"lock-drift", "lock-closure"}
    make(one, tmp_path)
    assert versions(tmp_path) == {"fixed": "1.0", "one": "2.0"}
    assert "one" not in {finding.path for finding in drift.stale(one, tmp_path)}


def test_a_child_that_cannot_keep_them_fails_and_leaves_its_old_lock(tmp_path: Path, index: Path) -> None:
    make(task(tmp_path, "one>=2\n", "parent"), tmp_path)
    make(task(tmp_path, "one\ntwo\n", parent="parent"), tmp_path)
    before = (tmp_path / "some.lock").read_bytes()
    with pytest.raises(CommandFailed, match="some cannot be locked") as caught:
        make(task(tmp_path, "fixed\n", parent="parent"), tmp_path)
    assert caught.value.remedy == "change its requirements.in"
    assert "one<2" in caught.value.output
    assert (tmp_path / "some.lock").read_bytes() == before


@pytest.mark.parametrize("requirements", ["no-such-package\n", "one==9\n"])
def test_what_cannot_be_resolved_is_the_resolvers_own_explanation(
    tmp_path: Path, index: Path, requirements: str
) -> None:
    with pytest.raises(DockwrightError) as caught:
        make(task(tmp_path, requirements), tmp_path)
    assert "some cannot be locked" in str(caught.value)
    assert requirements.strip()[:3] in getattr(caught.value, "output", "")
    assert not (tmp_path / "some.lock").exists()


def test_what_is_no_requirement_is_named_with_its_line(tmp_path: Path, index: Path) -> None:
    with pytest.raises(SpecError, match=r"some\.in:2: not a requirement!: is no requirement such as"):
        make(task(tmp_path, "one\nnot a requirement!\n"), tmp_path)


def test_a_lock_is_for_one_python_and_one_platform_and_builds_nothing(tmp_path: Path) -> None:
    words = python.compile_command(task(tmp_path, "one\n"), tmp_path, Path("out"), ())
    assert words[words.index("--python-version") + 1] == "3.11"
    assert words[words.index("--python-platform") + 1] == "x86_64-manylinux_2_36"
    assert words[words.index("--only-binary") + 1] == ":all:"
    assert {"--generate-hashes", "--no-emit-index-url"} <= set(words)
    assert not [word for word in words if word.endswith(".lock")]


def test_parents_are_locked_before_their_children() -> None:
    made = tasks.tasks(load_fleet(ROOT / "fleet"), ROOT)
    done: set[str] = set()
    for name, one in made.items():
        assert one.parent in {"", *done}, name
        done.add(name)
    assert len({one.file for one in made.values()}) == len(made)


def test_a_services_lock_is_made_of_its_family_the_kit_and_its_own() -> None:
    fleet = load_fleet(ROOT / "fleet")
    made = tasks.tasks(fleet, ROOT)
    one = made["SelfHealingSupervisor"]
    own = Path("fleet/services/SelfHealingSupervisor/requirements.in")
    assert one.parent == fleet.lineage(fleet.services[one.name].family)[-1]
    assert one.inputs == (*made[one.parent].inputs, tasks.KIT, own)
    assert one.parent_file == made[one.parent].file


@pytest.mark.parametrize("name", tasks.tasks(load_fleet(ROOT / "fleet"), ROOT))
def test_every_lock_of_this_fleet_is_there_and_adds_to_its_parents(name: str) -> None:
    one = tasks.tasks(load_fleet(ROOT / "fleet"), ROOT)[name]
    assert pins.read_lock(ROOT / one.file), "it pins nothing"
    if one.parent_file:
        assert [str(finding) for finding in pins.layering(ROOT / one.file, ROOT / one.parent_file)] == []
