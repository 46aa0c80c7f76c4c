"""What came of smoke tests, from the lines that are written inside an image."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from dockwright.build.outcomes import Outcome, outcomes

GOOD = {"test": "a.py::test_x", "outcome": "passed", "why": "", "seconds": 0.25}


def lines(*told: dict[str, object]) -> list[str]:
    return [json.dumps(line) for line in told]


def test_each_test_has_its_outcome() -> None:
    skipped = {**GOOD, "test": "a.py::test_y", "outcome": "not run", "why": "needs a card"}
    told = lines({"began": "a.py"}, {"began": "a.py::test_x"}, GOOD, {"began": "a.py::test_y"}, skipped)
    assert outcomes(told, ["a.py"]) == (
        Outcome("a.py::test_x", "passed", "", 0.25),
        Outcome("a.py::test_y", "not run", "needs a card", 0.25),
    )


def test_a_test_whose_process_broke_failed_and_the_others_count() -> None:
    broke = {"file": "a.py", "ended": -4, "wrote": "Fatal Python error: Illegal instruction\n"}
    told = lines({"began": "a.py"}, {"began": "a.py::test_bad"}, broke, {"began": "b.py"}, {"began": "b.py::t"}, GOOD)
    found = outcomes(told, ["a.py", "b.py"])
    why = "its process ended with SIGILL\nFatal Python error: Illegal instruction"
    assert found == (Outcome("a.py::test_bad", "failed", why, 0.0), Outcome("a.py::test_x", "passed", "", 0.25))


def test_a_file_that_breaks_between_its_tests_failed_itself() -> None:
    (found,) = outcomes(lines({"began": "a.py"}, GOOD, {"file": "a.py", "ended": 3, "wrote": ""}), ["a.py"])[1:]
    assert found == Outcome("a.py", "failed", "its process ended with exit status 3", 0.0)


def test_what_nothing_is_known_of_failed() -> None:
    found = outcomes(lines({"began": "a.py"}, {"began": "a.py::test_x"}), ["a.py", "b.py"])
    assert [(one.test, one.result) for one in found] == [("a.py::test_x", "failed"), ("b.py", "failed")]


@given(st.lists(st.text()))
def test_other_lines_are_nobodys(noise: list[str]) -> None:
    noise = [line for line in noise if not line.strip().startswith("{")]
    told = [*noise, *lines({"began": "a.py"}, GOOD), *noise]
    assert [one.result for one in outcomes(told, ["a.py"])] == ["passed"]
