"""What `verify` says of two builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockwright.build.twice import SAME_ENGINE, SECOND_ENGINE, Compared, Report
from dockwright.build.verify import Difference
from dockwright.cli.verbs import verify
from dockwright.spec.load import load_fleet

ROOT = Path(__file__).parents[2]
FOUND = Difference("web", "layer 6 (RUN x)", "/etc/luck", "content aa against bb", 1)
EQUAL = Compared("base", "sha256:aa", "sha256:aa", 5, ())
UNLIKE = Compared("web", "sha256:aa", "sha256:bb", 6, (FOUND,))


def test_only_what_needs_no_card_is_verified_by_itself() -> None:
    found = verify.cpu_families(load_fleet(ROOT / "fleet"), ROOT)
    assert found == ["base-python", "base-utils", "base-cpu-pydeps", "family-web", "legacy-py310-cpu"]


def test_people_read_what_is_proven(capsys: pytest.CaptureFixture[str]) -> None:
    verify.show(Report((EQUAL,), SECOND_ENGINE, 1.2, 30.6))
    said = capsys.readouterr().out.splitlines()
    assert said[1].split() == ["base", "identical", "5", "sha256:aa"]
    assert said[-1] == f"1 of 1 images identical; second build on {SECOND_ENGINE} (1 s and 31 s)"


def test_people_read_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    verify.show(Report((EQUAL, UNLIKE), SAME_ENGINE, 1, 1))
    said = capsys.readouterr().out
    assert "web: layer 6 (RUN x): /etc/luck: content aa against bb\n" in said
    assert "1 of 2 images identical" in said


def test_programs_read_the_same() -> None:
    told = verify.as_json(Report((EQUAL, UNLIKE), SAME_ENGINE, 1, 2))
    assert (told["identical"], told["builder"]) == (False, SAME_ENGINE)
    images = told["images"]
    assert isinstance(images, list)
    assert [image["identical"] for image in images] == [True, False]
    assert images[1]["differences"] == [
        {"where": "layer 6 (RUN x)", "path": "/etc/luck", "what": "content aa against bb", "files": 1}
    ]
