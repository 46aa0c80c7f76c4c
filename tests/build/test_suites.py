"""Which smoke tests run on which image."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from dockwright.build.images import FAMILIES
from dockwright.build.suites import EVERY_IMAGE, EVERY_INSTANCE, folders, suite
from dockwright.spec.load import load_fleet

ROOT = Path(__file__).parents[2]
FLEET = load_fleet(ROOT / "fleet")


@pytest.mark.parametrize("family", FLEET.by_generation())
def test_a_familys_tests_run_on_every_descendant_and_its_instances(family: str) -> None:
    own = FAMILIES / family / "smoke"
    for other in FLEET.by_generation():
        for instance in (False, True):
            found = folders(FLEET, other, instance=instance)
            assert (own in found) == (family in FLEET.lineage(other)), other
            assert (EVERY_INSTANCE in found) == instance
            assert found[0] == EVERY_IMAGE


def test_an_alias_has_the_tests_of_what_it_means() -> None:
    assert folders(FLEET, "family-cpu-pydeps", instance=True) == folders(FLEET, "base-cpu-pydeps", instance=True)


@pytest.mark.parametrize("family", FLEET.by_generation())
def test_every_family_has_tests_of_its_own(family: str) -> None:
    assert list((ROOT / FAMILIES / family / "smoke").glob("test_*.py"))


def test_parents_tests_come_first_and_what_they_import_comes_along(tmp_path: Path) -> None:
    texts = {
        "fleet/families/base-python/smoke/test_b.py": "b",
        "fleet/families/base-python/smoke/shared.py": "s",
        "fleet/families/base-utils/smoke/test_a.py": "a",
        "fleet/families/base-utils/smoke/notes.md": "no Python",
        "fleet/families/family-web/smoke/test_c.py": "of another family",
        "fleet/smoke/instance/test_i.py": "i",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    made = suite(FLEET, tmp_path, "base-utils", instance=True)
    assert made.tests == tuple(name for name in texts if name.endswith(("test_b.py", "test_a.py", "test_i.py")))
    assert made.files == {name: texts[name] for name in (*made.tests, "fleet/families/base-python/smoke/shared.py")}


def test_no_two_files_of_tests_have_one_name() -> None:
    """In an image they all lie on one path."""
    names = Counter(path.name for path in (ROOT / "fleet").rglob("smoke/**/*.py"))
    assert [name for name, count in names.items() if count > 1] == []
