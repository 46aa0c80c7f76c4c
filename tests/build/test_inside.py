"""The program that runs tests inside an image, here without one: what it tells of good, bad and broken tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dockwright.build import inside
from dockwright.build.outcomes import Outcome, outcomes


def tried(folder: Path, files: dict[str, str], seconds: float = 60) -> tuple[Outcome, ...]:
    tests = [name for name in files if name.rpartition("/")[2].startswith("test_")]
    asked = json.dumps({"files": files, "tests": tests, "seconds": seconds})
    words = [sys.executable, "-c", Path(inside.__file__).read_text()]
    env = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run(words, input=asked, env=env, capture_output=True, text=True, check=True)
    assert all(line.startswith("{") for line in done.stdout.splitlines()), done.stdout
    return outcomes(done.stdout.splitlines(), tests)


def test_what_passes_fails_and_does_not_run(tmp_path: Path) -> None:
    code = (
        "import unittest\n"
        "from shared import ANSWER\n"
        "def helper(): raise AssertionError('is no test')\n"
        "def test_second_by_name(): assert ANSWER == 42\n"
        "def test_bad(): assert ANSWER == 41, 'it is 42'\n"
        "def test_another(): raise unittest.SkipTest('needs a card')\n"
    )
    found = tried(tmp_path, {"low/smoke/shared.py": "ANSWER = 42\n", "high/smoke/test_x.py": code})
    assert [(one.test.partition("::")[2], one.result) for one in found] == [
        ("test_second_by_name", "passed"),
        ("test_bad", "failed"),
        ("test_another", "not run"),
    ]
    assert found[1].why.startswith("Traceback")
    assert found[1].why.endswith("AssertionError: it is 42")
    assert "def test_bad(): assert ANSWER == 41" in found[1].why
    assert "<string>" not in found[1].why, "frames of the program itself are noise"
    assert found[2].why == "needs a card"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os, signal\ndef test_x(): os.kill(os.getpid(), signal.SIGILL)\n", "SIGILL"),
        ("import ctypes\ndef test_x(): ctypes.string_at(0)\n", "SIGSEGV"),
        ("import os\ndef test_x(): os._exit(7)\n", "exit status 7"),
    ],
)
def test_a_test_that_breaks_its_process_takes_nothing_with_it(tmp_path: Path, code: str, why: str) -> None:
    found = tried(tmp_path, {"a/test_x.py": code, "b/test_y.py": "def test_y(): pass\n"})
    assert [(one.test, one.result) for one in found] == [
        ("a/test_x.py::test_x", "failed"),
        ("b/test_y.py::test_y", "passed"),
    ]
    assert found[0].why.startswith(f"its process ended with {why}")


def test_a_test_that_hangs_is_ended_and_shows_where(tmp_path: Path) -> None:
    code = "import threading\ndef test_x(): threading.Event().wait()\n"
    (found,) = tried(tmp_path, {"a/test_x.py": code}, seconds=1)
    assert found.result == "failed"
    assert "Timeout (0:00:01)" in found.why
    assert 'test_x.py", line 2 in test_x' in found.why


@pytest.mark.parametrize("code", ["import nothing_of_this_name\n", "def test_x(:\n", "raise SystemExit(0)\n"])
def test_a_file_that_cannot_be_imported_failed(tmp_path: Path, code: str) -> None:
    (found,) = tried(tmp_path, {"a/test_x.py": code})
    assert (found.test, found.result) == ("a/test_x.py", "failed")
    assert found.why


def test_a_file_without_tests_failed(tmp_path: Path) -> None:
    (found,) = tried(tmp_path, {"a/test_x.py": "def tset_x(): pass\n"})
    assert (found.result, found.why) == ("failed", "there is no test in it")


def test_what_a_test_writes_is_kept_back(tmp_path: Path) -> None:
    code = "import os\ndef test_x():\n    print('noise')\n    os.write(1, b'{\"test\": 1}')\n"
    (found,) = tried(tmp_path, {"a/test_x.py": code})
    assert found.result == "passed"


def test_a_thread_that_a_test_leaves_behind_holds_nothing_up(tmp_path: Path) -> None:
    code = "import threading\ndef test_x(): threading.Thread(target=threading.Event().wait).start()\n"
    (found,) = tried(tmp_path, {"a/test_x.py": code})
    assert found.result == "passed"
