"""Which wheel an image takes: the one that fits its Python and its C library best."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from dockwright.errors import DockwrightError
from dockwright.lock import files
from dockwright.lock.platform import Target, target
from dockwright.lock.requirement import applies
from dockwright.spec.load import load_fleet

ROOT = Path(__file__).parents[2]
BOOKWORM, JAMMY = Target("3.11", (2, 36)), Target("3.10", (2, 35))
HASH = "a" * 64


def pylock(*names: str, sdist: str = "") -> str:
    wheels = ", ".join(
        f'{{ url = "https://x.test/{name}", size = 7, hashes = {{ sha256 = "{HASH}" }} }}' for name in names
    )
    source = (
        f'sdist = {{ url = "https://x.test/{sdist}", size = 9, hashes = {{ sha256 = "{HASH}" }} }}' if sdist else ""
    )
    return f'[[packages]]\nname = "some-thing"\nversion = "1"\nwheels = [{wheels}]\n{source}\n'


@pytest.mark.parametrize(
    ("names", "best"),
    [
        (("some_thing-1-py3-none-any.whl", "some_thing-1-cp311-cp311-manylinux_2_17_x86_64.whl"), 1),
        (
            ("some_thing-1-cp311-cp311-manylinux2014_x86_64.whl", "some_thing-1-cp311-cp311-manylinux_2_28_x86_64.whl"),
            1,
        ),
        (("some_thing-1-cp311-cp311-manylinux_2_39_x86_64.whl", "some_thing-1-py3-none-any.whl"), 1),
        (("some_thing-1-cp38-abi3-manylinux1_x86_64.whl", "some_thing-1-py3-none-any.whl"), 0),
        (("some_thing-1-cp310-cp310-manylinux1_x86_64.whl", "some_thing-1-py2.py3-none-any.whl"), 1),
        (("some_thing-1-cp311-cp311-musllinux_1_2_x86_64.whl", "some_thing-1-py3-none-any.whl"), 1),
        (("some_thing-1-cp311-cp311-manylinux_2_17_aarch64.whl", "some_thing-1-py3-none-any.whl"), 1),
        (("not a wheel.whl", "some_thing-1-py3-none-any.whl"), 1),
    ],
)
def test_the_best_wheel_is_taken(names: tuple[str, ...], best: int) -> None:
    assert files.chosen(pylock(*names), BOOKWORM)["some-thing"].name == names[best]


def test_a_newer_c_library_than_the_roots_never_fits() -> None:
    wheel = "some_thing-1-cp310-cp310-manylinux_2_36_x86_64.whl"
    assert files.chosen(pylock(wheel), JAMMY) == {}
    assert files.chosen(pylock(wheel.replace("310", "311")), BOOKWORM)["some-thing"].size == 7


def test_a_source_is_taken_only_where_no_wheel_fits() -> None:
    wheel = "some_thing-1-py3-none-any.whl"
    assert files.chosen(pylock(wheel, sdist="some_thing-1.tar.gz"), BOOKWORM)["some-thing"].name == wheel
    foreign = wheel.replace("any", "win_amd64")
    assert (
        files.chosen(pylock(foreign, sdist="some_thing-1.tar.gz"), BOOKWORM)["some-thing"].name == "some_thing-1.tar.gz"
    )


def test_markers_are_read_for_the_image_and_not_for_this_host() -> None:
    assert applies(Requirement('a; python_version < "3.11"'), JAMMY.markers)
    assert not applies(Requirement('a; python_version < "3.11"'), BOOKWORM.markers)
    assert not applies(Requirement('a; sys_platform == "win32" or platform_machine == "aarch64"'), BOOKWORM.markers)
    assert applies(Requirement('a; extra == "fast"'), BOOKWORM.markers, "fast")
    assert not applies(Requirement('a; extra == "fast"'), BOOKWORM.markers)


def test_each_family_has_its_roots_platform() -> None:
    fleet = load_fleet(ROOT / "fleet")
    assert target(fleet, "family-llm-cu121") == BOOKWORM
    assert target(fleet, "family-cpu-pydeps") == BOOKWORM
    assert target(fleet, "legacy-py310-cpu") == JAMMY
    assert JAMMY.name == "x86_64-manylinux_2_35"


def test_a_release_whose_c_library_is_not_known_is_said() -> None:
    fleet = load_fleet(ROOT / "fleet")
    root = fleet.roots["debian-bookworm"].model_copy(update={"suite": "forky"})
    other = fleet.model_copy(update={"roots": {**fleet.roots, "debian-bookworm": root}})
    with pytest.raises(DockwrightError, match="base-utils stands on forky, whose C library is not known"):
        target(other, "base-utils")
