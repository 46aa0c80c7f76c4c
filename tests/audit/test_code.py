"""Imports against a lock: missing, there by chance, optional, unknown; and requirements that nobody imports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from dockwright.audit import declared, report
from dockwright.audit.code import Unit, uses
from dockwright.audit.declared import Declared
from dockwright.audit.modules import Modules
from dockwright.audit.unused import unused
from dockwright.check.sources import Source
from dockwright.errors import UnreadableInput
from dockwright.lock.pins import Lock, Pin, Via
from dockwright.lock.platform import Target
from dockwright.lock.tasks import KIT, Task
from dockwright.spec.finding import Finding
from dockwright.spec.load import load_fleet

ROOT = Path(__file__).parents[2]
FAMILY, OWN = "fleet/families/web/requirements.in", "fleet/services/Alpha/requirements.in"
MODULES = Modules({"fastapi": ("fastapi",), "starlette": ("starlette",), "pyyaml": ("yaml",), "uvloop": ("uvloop",)})
PINS = {
    "fastapi": Pin("fastapi", "1", (), via=(Via(FAMILY, "fastapi"),)),
    "starlette": Pin("starlette", "1", (), via=(Via("fastapi", "starlette"),)),
    "pyyaml": Pin("pyyaml", "1", (), via=(Via(OWN, "pyyaml"),)),
    "uvloop": Pin("uvloop", "1", (), via=(Via(FAMILY, "uvloop"),)),
}
ASKED = (Declared("fastapi", FAMILY, 1), Declared("uvloop", FAMILY, 2), Declared("pyyaml", OWN, 1))


def unit(*texts: str, python: str = "3.11", asked: tuple[Declared, ...] = ASKED, kit: str = "") -> Unit:
    files = [(f"fleet/services/Alpha/alpha/{number}.py", text) for number, text in enumerate(texts)]
    files += [("servicekit/src/servicekit/run.py", kit)] if kit else []
    task = Task("Alpha", "web", Target(python, (2, 36)), (Path(FAMILY), KIT, Path(OWN)), Path(OWN).with_suffix(".lock"))
    code = tuple((file, Source(Path(file), ast.parse(text))) for file, text in files)
    return Unit("Alpha", task, Lock({}, PINS), asked, code, frozenset({"alpha"}))


def told(one: Unit, modules: Modules = MODULES) -> list[str]:
    return [f"{finding.severity} {finding.rule} {finding}" for finding in uses(one, modules).findings]


def test_what_is_locked_and_asked_for_is_fine() -> None:
    found = uses(unit("import fastapi, yaml\nimport json, alpha.other, servicekit\nfrom alpha import x"), MODULES)
    assert (found.findings, found.packages, found.imports) == ([], {"fastapi", "pyyaml"}, 2)


def test_what_no_package_brings_is_missing_where_it_is_imported_first() -> None:
    (only,) = told(unit("import os\nimport cv2.data", "import cv2", "import cv2"))
    assert only == (
        "error missing fleet/services/Alpha/alpha/0.py:2: cv2: no locked package brings it; name its package in "
        "requirements.in (and in 2 more places)"
    )


def test_the_standard_library_is_the_familys_own() -> None:
    text = "import tomllib"
    assert told(unit(text)) == []
    assert told(unit(text, python="3.10"))[0].startswith("error missing ")


def test_what_only_another_package_asks_for_is_there_by_chance() -> None:
    (only,) = told(unit("from starlette.routing import Route"))
    assert only == (
        "warning transitive fleet/services/Alpha/alpha/0.py:1: starlette: only there because of fastapi; name it in "
        "fleet/services/Alpha/requirements.in, where it is imported"
    )
    assert told(unit("try:\n    import starlette\nexcept ImportError:\n    pass")) == []


def test_the_kit_names_all_that_it_imports_itself() -> None:
    kit = "import fastapi"
    assert told(unit("import fastapi", kit=kit)) == [
        f"warning transitive servicekit/src/servicekit/run.py:1: fastapi: only there because of {FAMILY}; name it in "
        f"{KIT}, where it is imported"
    ]
    assert told(unit("x = 1", kit=kit, asked=(*ASKED, Declared("fastapi", str(KIT), 1)))) == []


def test_what_the_code_goes_on_without_is_a_note() -> None:
    (only,) = told(unit("try:\n    import cv2\nexcept ImportError:\n    cv2 = None"))
    assert only.startswith("info optional fleet/services/Alpha/alpha/0.py:2: cv2: ")


@pytest.mark.parametrize(
    ("tried", "fallback", "missing"),
    [("yaml", "cv2", []), ("json", "cv2", []), ("ujson", "json", []), ("ujson", "yaml", []), ("ujson", "cv2", ["cv2"])],
)
def test_a_fallback_is_needed_only_without_what_it_stands_in_for(tried: str, fallback: str, missing: list[str]) -> None:
    found = uses(unit(f"try:\n    import {tried}\nexcept ImportError:\n    import {fallback}"), MODULES).findings
    assert [finding.path for finding in found if finding.severity == "error"] == missing


def test_what_cannot_be_told_is_said_to_be_unknown() -> None:
    modules = Modules(MODULES.known, frozenset({"opencv-python"}))
    (only,) = told(unit("import cv2"), modules)
    assert only.startswith("warning unknown fleet/services/Alpha/alpha/0.py:1: cv2: cannot be told: ")
    assert "opencv-python" in only


def test_what_is_no_python_is_an_error() -> None:
    broken = unit("x = 1")
    sources = (("fleet/services/Alpha/alpha/0.py", Source(Path("0.py"), None, "invalid syntax", 7)),)
    (only,) = told(Unit(broken.name, broken.task, broken.lock, ASKED, sources))
    assert only == "error unreadable fleet/services/Alpha/alpha/0.py:7: Alpha: is no Python: invalid syntax"


def idle(*units: Unit, modules: Modules = MODULES) -> list[str]:
    fleet = load_fleet(ROOT / "fleet")
    looked = {one.name: uses(one, modules) for one in units}
    found = unused(fleet, units, looked, {one.name: modules for one in units})
    return [f"{finding.severity} {finding.path}" for findings in found.values() for finding in findings]


def family(asked: tuple[Declared, ...]) -> Unit:
    task = Task("web", "web", Target("3.11", (2, 36)), (Path(FAMILY),), Path(FAMILY).with_suffix(".lock"))
    return Unit("web", task, Lock({}, PINS), asked)


def test_a_requirement_that_nothing_imports_is_told() -> None:
    assert idle(unit("import fastapi")) == ["warning pyyaml"]
    assert idle(unit("import yaml")) == []
    assert idle(unit("try:\n    import yaml\nexcept ImportError:\n    pass")) == []


def test_a_familys_requirement_may_be_imported_by_any_service_on_it() -> None:
    above = family(ASKED[:2])
    assert idle(above, unit("import fastapi, yaml")) == ["warning uvloop"]
    assert idle(above, unit("import fastapi, yaml, uvloop")) == []
    assert idle(above) == ["info fastapi", "info uvloop"]


def test_a_reason_or_another_package_that_asks_for_it_keeps_a_requirement() -> None:
    reason = Declared("uvloop", FAMILY, 2, "the loop")
    held = Declared("starlette", FAMILY, 3)
    assert idle(family((reason, held)), unit("import yaml")) == []


def test_of_a_package_whose_modules_are_unknown_nothing_is_said() -> None:
    modules = Modules({"fastapi": ("fastapi",)}, frozenset({"pyyaml", "uvloop"}))
    assert idle(unit("import fastapi"), modules=modules) == ["info pyyaml"]


def test_reasons_stand_beside_requirements(tmp_path: Path) -> None:
    (tmp_path / "a.in").write_text(
        "gunicorn   # runs: the server\nnumpy<2  # ticket 1; runs fast\n# runs: nothing\nuvloop\n"
        'tomli; python_version < "3.11"\n'
    )
    read = declared.read(tmp_path, [Path("a.in")], Target("3.11", (2, 36)))
    assert [(item.name, item.line, item.reason) for item in read] == [
        ("gunicorn", 1, "the server"),
        ("numpy", 2, ""),
        ("uvloop", 4, ""),
    ]
    assert [item.name for item in declared.read(tmp_path, [Path("a.in")], Target("3.10", (2, 35)))][-1] == "tomli"
    (tmp_path / "a.in").write_text("-r b.in\n")
    with pytest.raises(UnreadableInput):
        declared.read(tmp_path, [Path("a.in")], Target("3.11", (2, 36)))


def test_findings_about_the_kit_are_told_once() -> None:
    kit = Finding("missing", "error", "h11", "servicekit/src/servicekit/run.py", 1, "says")
    own = Finding("missing", "error", "yaml", "fleet/services/A/a.py", 1, "says")
    everywhere, shared = report.apart({"A": [own, kit], "B": [kit], "web": []}, {"A", "B"})
    assert (everywhere, shared) == ({"A": [own], "B": [], "web": []}, [kit])
    _, some = report.apart({"A": [own, kit], "B": []}, {"A", "B"})
    assert [finding.message for finding in some] == ["says (in A)"]
