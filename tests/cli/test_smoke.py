"""What `smoke` says of the images that it tried."""

from __future__ import annotations

from typing import Any

import pytest

from dockwright.build.outcomes import Outcome
from dockwright.build.smoke import Smoked, words
from dockwright.cli import main, smoked

GOOD = Outcome("a/test_a.py::test_good", "passed", "", 0.1)
BAD = Outcome("a/test_a.py::test_bad", "failed", "Traceback\nAssertionError: 41", 0.1)
UNRUN = Outcome("b/test_b.py::test_card", "not run", "needs an NVIDIA card", 0.0)
BASE = Smoked("base", "x/base:1", (GOOD, BAD), 1.25)
CHILD = Smoked("child", "x/child:1", (GOOD, BAD, UNRUN), 2.5)
FINE = Smoked("fine", "x/fine:1", (GOOD, UNRUN), 0.5)


def test_people_read_what_passed_failed_and_did_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    report = smoked.Report([BASE, CHILD], {"big": "not built"})
    report.show()
    said = capsys.readouterr().out
    assert not report.passed
    assert said.splitlines()[2].split() == ["child", "1", "1", "1", "2.5"]
    assert "failed: a/test_a.py::test_bad\n  on base, child\n  | Traceback\n  | AssertionError: 41\n" in said
    assert "did not run: needs an NVIDIA card\n  b/test_b.py::test_card on child\n" in said
    assert "not tried, not built: big\n" in said
    assert said.splitlines()[-1] == "2 tests passed in 2 images, 2 failed, 1 did not run"


def test_what_cannot_run_here_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    report = smoked.Report([FINE], {})
    report.show()
    assert report.passed
    assert capsys.readouterr().out.endswith("\n1 test passed in 1 image, 0 failed, 1 did not run\n")


def test_each_image_is_told_as_it_is_done() -> None:
    assert smoked.line(CHILD) == "child: 1 passed, 1 failed, 1 did not run"
    assert smoked.line(FINE) == "fine: 1 passed, 1 did not run"


def test_programs_read_the_same() -> None:
    told: Any = smoked.Report([CHILD], {"big": "not built"}).as_json()
    assert (told["passed"], told["absent"]) == (False, {"big": "not built"})
    assert told["images"][0]["tests"][2] == {
        "test": "b/test_b.py::test_card",
        "result": "not run",
        "why": "needs an NVIDIA card",
        "seconds": 0.0,
    }


def test_a_container_is_confined_and_sees_cards_only_where_it_may() -> None:
    made = words("name", "x/base:1", cards=False)
    assert {"--read-only", "--network=none", "--cap-drop=ALL", "--security-opt=no-new-privileges"} <= set(made)
    assert made[-4:-1] == ("x/base:1", "python3", "-c")
    assert "--gpus=all" not in made
    assert "--gpus=all" in words("name", "x/base:1", cards=True)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (["smoke", "family-wb"], "nothing to build is called family-wb; did you mean 'family-web'?"),
        (["smoke", "--all", "family-web"], "--all leaves nothing to name"),
    ],
)
def test_wrong_usage_is_told(line: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line) == 2
    assert says in capsys.readouterr().err
