"""What `sbom` shows of a bill of materials; reading it out of an image is tests/engines' matter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from build.file_systems import bill, deb, dist_info, made, wheel

from dockwright.build import sbom
from dockwright.cli import main
from dockwright.cli.verbs.sbom import show

Out = pytest.CaptureFixture[str]
CRATE = {"name": "regex", "version": "1.11", "purl": "pkg:cargo/regex@1.11"}


@pytest.fixture
def read(tmp_path: Path) -> sbom.Sbom:
    core = wheel("core", "2", License="A licence " + "that goes on and on " * 4)
    files = {f"{dist_info(core)}/sboms/core.json": json.dumps({"components": [CRATE]})}
    text = bill(made(tmp_path / "image", [deb("tini", "1")], [core], files), tmp_path, "family-web")
    return sbom.read(text.encode(), "x")


def test_a_line_a_package_and_one_that_sums_them_up(read: sbom.Sbom, capsys: Out) -> None:
    show(read, 2345, everything=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:4] for line in lines[1:3]] == [
        ["core", "2", "pypi", "family-web"],
        ["tini", "1", "deb", "family-web"],
    ]
    assert lines[1].endswith("that goes…") and max(map(len, lines[:3])) < 120
    assert lines[-2:] == [
        "family-web, debian 12: 2 packages (1 deb, 1 pypi), 1 more within them",
        f"{read.digest}, 2 kB",
    ]


def test_what_packages_hold_is_shown_when_asked_for(read: sbom.Sbom, capsys: Out) -> None:
    show(read, 2345, everything=True)
    assert "regex  1.11     cargo  family-web" in capsys.readouterr().out


def test_a_name_that_no_image_has(capsys: Out) -> None:
    assert main(["sbom", "famly-web"]) == 2
    assert capsys.readouterr().err.startswith("dockwright: no image is called famly-web; did you mean 'family-web'?")
