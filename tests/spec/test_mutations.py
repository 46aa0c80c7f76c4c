"""Broken declarations give findings, never a traceback.

Mutations of this repository's own fleet.toml and of a service.toml: deleted, doubled and cut lines, other types,
unknown keys, bytes that are no text, numbers of every size, names swapped.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from check.case import CASES, TODAY

from dockwright.check.run import check

FOLDER = Path(__file__).parents[2] / "fleet"
VALUES = ["0", "-1", "1.5", "true", '""', "[]", "{}", "2020-01-01", "nan", "9" * 30, "0x" + "f" * 5000, "9" * 5000]
GARBAGE = [b"\xff\xfe", b"\x00", b"= =", b"[[[", b'"', b"'''", b"\xe2\x80\xae", b"\r", b"{,}", b"a.b.c = 1\na.b = 2\n"]


def lines_of(data: bytes) -> list[int]:
    """Numbers of the lines that declare something."""
    return [n for n, line in enumerate(data.splitlines()) if line.strip() and not line.lstrip().startswith(b"#")]


def with_line(data: bytes, number: int, new: list[bytes]) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join([*lines[:number], *new, *lines[number + 1 :]])


def delete(data: bytes, dice: random.Random) -> bytes:
    return with_line(data, dice.choice(lines_of(data)), [])


def double(data: bytes, dice: random.Random) -> bytes:
    number = dice.choice(lines_of(data))
    return with_line(data, number, [data.splitlines(keepends=True)[number]] * 2)


def cut(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(1, len(data))]


def retype(data: bytes, dice: random.Random) -> bytes:
    found = dice.choice(list(re.finditer(rb"(?<== )(\"[^\"\n]*\"|\d+|\[[^\]\n]*\])", data)))
    return data[: found.start()] + dice.choice(VALUES).encode() + data[found.end() :]


def unknown_key(data: bytes, dice: random.Random) -> bytes:
    found = dice.choice(list(re.finditer(rb"(?m)\b([a-z_]+)(?= = )", data)))
    return data[: found.start()] + found[1] + b"_x" + data[found.end() :]


def garbage(data: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(data))
    return data[:place] + dice.choice(GARBAGE) + data[place:]


def rename(data: bytes, dice: random.Random) -> bytes:
    found = dice.choice(list(re.finditer(rb'"([A-Za-z][\w.-]+)"', data)))
    return data[: found.start(1)] + found[1][::-1] + data[found.end(1) :]


MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [
    delete,
    double,
    cut,
    retype,
    unknown_key,
    garbage,
    rename,
]


@pytest.fixture(name="copy", scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real fleet.toml, blueprint and tickets, with the one implemented service of the cases beside them."""
    folder = tmp_path_factory.mktemp("mutations") / "fleet"
    folder.mkdir()
    for name in ("fleet.toml", "blueprint.lock", "blueprint.txt"):
        shutil.copy(FOLDER / name, folder / name)
    shutil.copytree(FOLDER / "change-control", folder / "change-control")
    service = folder / "services" / "NLUAgent"
    shutil.copytree(CASES / "fleet" / "services" / "Alpha", service)
    text = (service / "service.toml").read_text().replace('"Alpha"', '"NLUAgent"').replace('"Beta"', '"Executor"')
    (service / "service.toml").write_text(text + 'workers = 1\ncpus = 0.5\nsecrets = ["fleet-token"]\ndepends = []\n')
    return folder


@pytest.mark.parametrize("file", ["fleet.toml", "services/NLUAgent/service.toml"])
@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda mutate: mutate.__name__)
def test_mutations(copy: Path, file: str, mutate: Callable[[bytes, random.Random], bytes]) -> None:
    path = copy / file
    good = path.read_bytes()
    usual = {str(finding) for finding in check(copy, TODAY).findings}
    dice = random.Random(f"{file} {mutate.__name__}")  # noqa: S311 - the same mutations every time
    noticed = 0
    try:
        for _ in range(25):
            path.write_bytes(mutate(good, dice))
            report = check(copy, TODAY)
            noticed += {str(finding) for finding in report.findings} != usual
            json.dumps(report.as_json())
            assert all(finding.line >= 1 and finding.message for finding in report.findings)
            if report.fleet is None:
                assert report.exit_code in (1, 2)
    finally:
        path.write_bytes(good)
    # Some mutations mean nothing (a comment, a deleted default); most must be seen.
    assert noticed >= 8


def test_bad_tickets_and_locks_are_findings(copy: Path) -> None:
    dice = random.Random(1)  # noqa: S311 - the same mutations every time
    for path in (copy / "blueprint.lock", copy / "change-control" / "0003-real-time-audio-pipeline-on-mainpc-only.md"):
        good = path.read_bytes()
        try:
            for _ in range(40):
                path.write_bytes(dice.choice([cut, garbage, delete, double])(good, dice))
                assert all(str(finding) for finding in check(copy, TODAY).findings)
        finally:
            path.write_bytes(good)
