"""Which locks there are, in which order, and that resolving keeps what it must: with the real resolver, offline."""

from __future__ import annotations

from pathlib import Path

import pytest
from lock.wheels import wheel

from dockwright.errors import CommandFailed
from dockwright.lock import pins, python
from dockwright.lock.python import Task
from dockwright.spec.load import load_fleet

ROOT = Path(__file__).parents[2]


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


def task(root: Path, requirements: str, name: str = "some", parent: Path | None = None) -> Task:
    (root / f"{name}.in").write_text(requirements)
    return Task(name, "3.11", (Path(f"{name}.in"),), parent, Path(f"{name}.lock"))


def versions(root: Path, name: str = "some") -> dict[str, str]:
    return {key: pin.version for key, pin in pins.read_lock(root / f"{name}.lock").items()}


def test_a_lock_is_the_closure_with_hashes(tmp_path: Path, index: Path) -> None:
    assert python.make(task(tmp_path, "two\n"), tmp_path, offline=True) is True
    assert versions(tmp_path) == {"one": "2.0", "two": "1.0"}
    text = (tmp_path / "some.lock").read_text()
    assert "./dockwright lock" in text
    assert str(tmp_path) not in text


def test_what_fits_stays_until_it_is_asked_to_move(tmp_path: Path, index: Path) -> None:
    one = task(tmp_path, "one<2\n")
    python.make(one, tmp_path, offline=True)
    one = task(tmp_path, "one\ntwo\n")
    python.make(one, tmp_path, offline=True)
    assert versions(tmp_path) == {"one": "1.0", "two": "1.0"}
    before = (tmp_path / "some.lock").stat().st_mtime_ns
    assert python.make(one, tmp_path, offline=True) is False
    assert python.make(one, tmp_path, ("two",), offline=True) is False
    assert (tmp_path / "some.lock").stat().st_mtime_ns == before
    assert python.make(one, tmp_path, ("one",), offline=True) is True
    assert versions(tmp_path)["one"] == "2.0"


def test_all_can_move(tmp_path: Path, index: Path) -> None:
    python.make(task(tmp_path, "one<2\n"), tmp_path, offline=True)
    assert python.make(task(tmp_path, "one\n"), tmp_path, ("*",), offline=True) is True
    assert versions(tmp_path) == {"one": "2.0"}


def test_a_child_keeps_its_parents_pins_even_when_newer_ones_are_asked_for(tmp_path: Path, index: Path) -> None:
    python.make(task(tmp_path, "one<2\n", "parent"), tmp_path, offline=True)
    child = task(tmp_path, "one\ntwo\n", parent=Path("parent.lock"))
    python.make(child, tmp_path, ("*",), offline=True)
    assert versions(tmp_path) == {"one": "1.0", "two": "1.0"}
    assert pins.layering(tmp_path / "some.lock", tmp_path / "parent.lock") == []


def test_a_child_that_cannot_keep_them_fails_and_leaves_its_old_lock(tmp_path: Path, index: Path) -> None:
    python.make(task(tmp_path, "one>=2\n", "parent"), tmp_path, offline=True)
    python.make(task(tmp_path, "two\n", parent=Path("parent.lock")), tmp_path, offline=True)
    before = (tmp_path / "some.lock").read_bytes()
    with pytest.raises(CommandFailed, match="some cannot be locked") as caught:
        python.make(task(tmp_path, "fixed\n", parent=Path("parent.lock")), tmp_path, offline=True)
    assert caught.value.remedy == "change its requirements.in"
    assert "one<2" in caught.value.output
    assert (tmp_path / "some.lock").read_bytes() == before


@pytest.mark.parametrize("requirements", ["no-such-package\n", "one==9\n", "not a requirement!\n"])
def test_what_cannot_be_resolved_is_the_resolvers_own_explanation(
    tmp_path: Path, index: Path, requirements: str
) -> None:
    with pytest.raises(CommandFailed) as caught:
        python.make(task(tmp_path, requirements), tmp_path, offline=True)
    assert caught.value.output
    assert not (tmp_path / "some.lock").exists()


def test_resolving_runs_in_a_home_that_is_thrown_away(tmp_path: Path) -> None:
    words = python.compile_command(task(tmp_path, "one\n"), Path("out"), (), True)
    assert words[words.index("--python-version") + 1] == "3.11"
    assert words[words.index("--python-platform") + 1] == python.PLATFORM
    assert {"--generate-hashes", "--no-emit-index-url", "--offline"} <= set(words)
    assert "--constraint" not in words


def test_parents_are_locked_before_their_children() -> None:
    made = python.tasks(load_fleet(ROOT / "fleet"), ROOT)
    done: set[Path] = set()
    for one in made:
        assert one.parent is None or one.parent in done, one.name
        done.add(one.target)
    assert len({one.target for one in made}) == len(made)


def test_a_services_lock_is_made_of_its_family_the_kit_and_its_own() -> None:
    fleet = load_fleet(ROOT / "fleet")
    (one,) = [one for one in python.tasks(fleet, ROOT) if one.name == "SelfHealingSupervisor"]
    family = fleet.services[one.name].family
    own = Path("fleet/services/SelfHealingSupervisor/requirements.in")
    assert one.inputs == (*python.family_inputs(fleet, family, ROOT), python.KIT, own)
    assert one.parent == python.family_lock(fleet, family, ROOT)


@pytest.mark.parametrize("one", python.tasks(load_fleet(ROOT / "fleet"), ROOT), ids=lambda one: str(one.name))
def test_every_lock_of_this_fleet_is_there_and_adds_to_its_parents(one: Task) -> None:
    assert pins.read_lock(ROOT / one.target), "it pins nothing"
    if one.parent:
        assert [str(finding) for finding in pins.layering(ROOT / one.target, ROOT / one.parent)] == []
