"""What a module imports when it runs: what it must have, what it can go on without, what never happens."""

from __future__ import annotations

import ast
import sys

import pytest

from dockwright.audit.imports import Import, imports, standard

PYTHON = (3, 11)


def found(text: str, python: tuple[int, int] = PYTHON) -> list[Import]:
    return imports(ast.parse(text), python)


def names(text: str, python: tuple[int, int] = PYTHON) -> list[tuple[str, str]]:
    """(module, `needed` or `optional`)."""
    return [(one.name, "optional" if one.optional else "needed") for one in found(text, python)]


def test_every_way_to_import_counts() -> None:
    text = """
import a, b.c as d
from e.f import g, h as i
def late():
    import j
class K:
    from k import *
importlib.import_module("l.m")
__import__("n")
"""
    assert [(one.name, one.member, one.line) for one in found(text)] == [
        ("a", "", 2),
        ("b.c", "", 2),
        ("e.f", "g", 3),
        ("e.f", "h", 3),
        ("j", "", 5),
        ("k", "", 7),
        ("l.m", "", 8),
        ("n", "", 9),
    ]
    assert not any(one.optional for one in found(text))


def test_what_leads_nowhere_else_does_not_count() -> None:
    assert (
        found('from . import a\nfrom .b import c\nfrom __future__ import annotations\nimport_module(".x", "y")') == []
    )
    assert found("importlib.import_module(name)\nimport_module()") == []


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    import a\nexcept ImportError:\n    a = None",
        "try:\n    import a\nexcept (ValueError, ModuleNotFoundError):\n    pass",
        "try:\n    import a\nexcept Exception:\n    pass",
        "try:\n    import a\nexcept:\n    pass",
        "try:\n    x()\nexcept ImportError:\n    pass\nelse:\n    import a",
        "with contextlib.suppress(ImportError):\n    import a",
        "with suppress(ValueError, ImportError):\n    import a",
        "try:\n    if x:\n        def f():\n            import a\nexcept ImportError:\n    pass",
    ],
)
def test_the_code_can_go_on_without_it(text: str) -> None:
    assert names(text) == [("a", "optional")]


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    import a\nexcept ImportError as error:\n    raise SystemExit('no a') from error",
        "try:\n    import a\nexcept ValueError:\n    pass",
        "try:\n    import a\nfinally:\n    pass",
        "try:\n    pass\nexcept ImportError:\n    pass\nfinally:\n    import a",
        "with suppress(ValueError):\n    import a",
        "with open(x) as f:\n    import a",
        "if os.environ:\n    import a",
    ],
)
def test_the_code_cannot_go_on_without_it(text: str) -> None:
    assert names(text) == [("a", "needed")]


def test_a_fallback_says_what_it_stands_in_for() -> None:
    first, second = found("try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib")
    assert (first.name, first.optional, first.instead_of) == ("tomllib", True, ())
    assert (second.name, second.optional, second.instead_of) == ("tomli", False, ("tomllib",))


@pytest.mark.parametrize(
    ("condition", "python", "wanted"),
    [
        ("TYPE_CHECKING", PYTHON, "b"),
        ("typing.TYPE_CHECKING", PYTHON, "b"),
        ("not TYPE_CHECKING", PYTHON, "a"),
        ("sys.version_info >= (3, 11)", (3, 11), "a"),
        ("sys.version_info >= (3, 11)", (3, 10), "b"),
        ("sys.version_info < (3, 11)", (3, 11), "b"),
        ("sys.version_info[:2] == (3, 11)", (3, 11), "a"),
        ("sys.version_info > (3, 11)", (3, 11), "a"),
        ("version_info >= (3,)", (3, 10), "a"),
        ('sys.platform == "win32"', PYTHON, "b"),
        ('sys.platform != "win32"', PYTHON, "a"),
        ('sys.platform.startswith("linux")', PYTHON, "a"),
        ('platform.system() == "Windows"', PYTHON, "b"),
        ('os.name == "nt"', PYTHON, "b"),
        ('sys.platform == "win32" or sys.version_info >= (3, 11)', PYTHON, "a"),
        ("TYPE_CHECKING and unknown()", PYTHON, "b"),
        ("TYPE_CHECKING or unknown()", PYTHON, "ab"),
        ("unknown() and sys.version_info", PYTHON, "ab"),
        ("sys.version_info >= wanted", PYTHON, "ab"),
        ("sys.version_info >= (3, 11, 4)", PYTHON, "ab"),
        ("config.platform == 'win32'", PYTHON, "ab"),
        ("1 < x < 3", PYTHON, "ab"),
    ],
)
def test_only_branches_that_can_run_count(condition: str, python: tuple[int, int], wanted: str) -> None:
    told = [name for name, _ in names(f"if {condition}:\n    import a\nelse:\n    import b", python)]
    assert told == list(wanted)


def test_each_python_has_its_own_standard_library() -> None:
    assert "tomllib" in standard("3.11")
    assert "tomllib" not in standard("3.10")
    assert "binhex" in standard("3.10")
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert sys.stdlib_module_names <= standard(here)
