"""The rule `left-out`: what a service needs and builds leave out, and what no build can take."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from check.case import good_fleet, look, told

CODE = "services/Alpha/alpha/app.py"


def put(fleet: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = fleet / "services" / "Alpha" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(text)
    return fleet


@pytest.mark.parametrize(
    ("files", "place", "message"),
    [
        ({"alpha/models/__init__.py": ""}, "alpha/models/__init__.py:1", "every folder called models"),
        ({"alpha/models/user.py": "", "alpha/app.py": "from alpha.models import user\n"}, "alpha/app.py:6", ""),
        ({"alpha/models/user.py": "", "alpha/app.py": "from .models import user\n"}, "alpha/app.py:6", ""),
        ({"alpha/models/user.py": "", "alpha/app.py": "from . import models\n"}, "alpha/app.py:6", ""),
        ({"alpha/models/user.py": "", "alpha/app.py": "import alpha.models.user\n"}, "alpha/app.py:6", ""),
        ({"alpha/data/words.json": "[]"}, "alpha/data/words.json:1", "every folder called data"),
        ({"logs/read.py": ""}, "logs/read.py:1", "every folder called logs"),
        ({"data/words.json": "", "alpha/app.py": 'open("data/words.json")\n'}, "alpha/app.py:6", ""),
        ({"data/words.json": "", "alpha/app.py": 'WORDS = __file__ / "data"\n'}, "alpha/app.py:6", ""),
        ({"tests/made.py": "", "alpha/app.py": "import tests.made\n"}, "alpha/app.py:6", "every folder called tests"),
        ({"alpha/say.md": "", "alpha/app.py": 'P = "say.md"\n'}, "alpha/app.py:6", "every .md file"),
    ],
    ids=lambda value: ", ".join(f"{key}: {text.strip()}" for key, text in value.items()) if type(value) is dict else "",
)
def test_what_the_code_needs_and_no_image_gets_is_an_error(
    tmp_path: Path, files: dict[str, str], place: str, message: str
) -> None:
    found = told(look(put(good_fleet(tmp_path), files)), "left-out")
    assert len(found) == 1, found
    assert found[0].startswith(f"error fleet/services/Alpha/{place}: ")
    assert message in found[0]


@pytest.mark.parametrize(
    "files",
    [
        {
            "models/weights.bin": "1",
            "data/rows.csv": "1",
            "logs/today.log": "1",
            "README.md": "",
            "tests/test_a.py": "",
        },
        {"models/weights.bin": "1", "alpha/app.py": 'ANSWER = {"models": 1, "data": "/data/x"}.get("models")\n'},
        {"alpha/.cache/x.py": "", "alpha/__pycache__/x.py": "", "alpha/tests/test_a.py": "", "alpha/NOTES.md": ""},
        {"data/rows.csv": "1", "alpha/app.py": "from alpha.data_model import x\nimport database\n"},
    ],
    ids=["beside the package", "only words", "caches, tests, notes", "longer names"],
)
def test_what_nothing_needs_may_be_left_out(tmp_path: Path, files: dict[str, str]) -> None:
    assert told(look(put(good_fleet(tmp_path), files)), "left-out") == []


def test_what_no_build_can_take_is_named(tmp_path: Path) -> None:
    fleet = good_fleet(tmp_path)
    package = fleet / "services" / "Alpha" / "alpha"
    (package / "gone.txt").symlink_to("nowhere.txt")
    (package / "shared").symlink_to(fleet / "families")
    (fleet / "families" / "base" / "fine.txt").symlink_to("Dockerfile")
    os.mkfifo(package / "pipe.py")
    Path(os.fsdecode(os.fsencode(fleet / "families" / "base") + b"/\xff.txt")).touch()
    assert told(look(fleet), "left-out") == [
        r"error fleet/families/base/\udcff.txt:1: \udcff.txt: has a name that is not UTF-8, which no build takes; "
        "mend or remove it",
        "error fleet/services/Alpha/alpha/gone.txt:1: alpha/gone.txt: is a symbolic link to nowhere.txt, which is not "
        "there; mend or remove it",
        "error fleet/services/Alpha/alpha/pipe.py:1: alpha/pipe.py: is no file but a socket, a pipe or a device; "
        "mend or remove it",
        "error fleet/services/Alpha/alpha/shared:1: alpha/shared: is a symbolic link to a folder, and builds do not "
        "follow those; mend or remove it",
    ]
