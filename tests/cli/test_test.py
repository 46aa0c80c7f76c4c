"""`./dockwright test` on real trees of tests: what runs, what is said, how it ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from plugins.processes import gone

from dockwright.cli import main
from dockwright.cli.verbs import test as verb

ROOT = Path(__file__).parents[2]
TEST = (sys.executable, "-m", "dockwright", "test")
SUMMARY = re.compile(r"=+ .* in \d+\.\d+s .*=+|=+ .* in \d+\.\d+s =+")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout in small: the tool, the tests' plugins, and a few tests of which some cannot run or fail."""
    checkout = tmp_path / "checkout"
    ignore = shutil.ignore_patterns("__pycache__", "test_*.py")
    for folder in ("src", "servicekit/src", "tests/plugins"):
        shutil.copytree(ROOT / folder, checkout / folder, ignore=ignore)
    for file in ("pyproject.toml", "conftest.py"):
        shutil.copyfile(ROOT / file, checkout / file)
    _write(checkout, "tests/engines/test_engine.py", "def test_engine(): pass\n")
    _write(checkout, "tests/test_good.py", "def test_one(): pass\ndef test_two(): pass\n")
    skips = "import pytest\ndef test_gpu(): pytest.skip('there is no such card')\n"
    _write(checkout, "servicekit/tests/test_kit.py", skips)
    for name in ("One", "Two"):  # Services whose test modules have the same names.
        _write(
            checkout,
            f"fleet/services/{name}/tests/conftest.py",
            f"import pytest\n@pytest.fixture\ndef me(): return {name!r}\n",
        )
        _write(checkout, f"fleet/services/{name}/tests/test_app.py", f"def test_me(me): assert me == {name!r}\n")
    return checkout


def _write(checkout: Path, name: str, text: str) -> None:
    path = checkout / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def run(checkout: Path, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    where, env = cwd or checkout, environment(checkout)
    return subprocess.run([*TEST, *words], cwd=where, env=env, capture_output=True, text=True, check=False)


def environment(checkout: Path) -> dict[str, str]:
    """This process's own, without what pytest tells the programs that its tests start."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    env["PYTHONPATH"] = f"{checkout / 'src'}:{checkout / 'servicekit/src'}"
    env["PYTEST_ADDOPTS"] = "-p no:schemathesis"  # It takes a second to import, and these trees make no use of it.
    return env


def test_everything_runs_and_what_did_not_is_said(tree: Path) -> None:
    done = run(tree, "--fast", "--all")
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "1 test: there is no such card" in lines
    assert "1 test: left out by --fast\n    tests/engines/test_engine.py::test_engine\n" in done.stdout
    assert SUMMARY.fullmatch(lines[-1])
    assert "4 passed, 2 skipped" in lines[-1]


def test_a_failure_ends_with_1_and_the_summary_is_last(tree: Path) -> None:
    _write(tree, "tests/test_bad.py", "def test_bad(): assert 1 == 2\n")
    done = run(tree, "--fast")
    assert done.returncode == 1
    assert "1 failed, 4 passed, 2 skipped" in done.stdout.splitlines()[-1]


def test_a_file_that_cannot_be_read_ends_with_1(tree: Path) -> None:
    _write(tree, "tests/test_bad.py", "def test_bad(:\n")
    for words in (("--fast",), ("tests/test_bad.py",)):
        done = run(tree, *words)
        assert done.returncode == 1
        assert "1 error" in done.stdout.splitlines()[-1]


def test_a_program_that_outlives_its_test_is_named_ended_and_fails_the_run(tree: Path) -> None:
    _write(
        tree,
        "tests/test_leaky.py",
        "import pathlib, subprocess\n"
        "def test_leaky():\n"
        "    words = 'sleep 613 >/dev/null 2>&1 & echo $!'\n"
        "    pathlib.Path('pid').write_bytes(subprocess.check_output(words, shell=True))\n",
    )
    done = run(tree, "tests/test_leaky.py")
    assert done.returncode == 1
    assert "outlived their tests, and were ended ==" in done.stdout
    assert "\nsleep 613\n" in done.stdout
    assert "1 passed" in done.stdout.splitlines()[-1]
    assert gone(int((tree / "pid").read_text()))


def test_paths_are_read_from_where_one_stands(tree: Path) -> None:
    for path, cwd in (
        ("test_good.py", "tests"),
        ("tests/test_good.py::test_two", "."),
        ("../One/tests", "fleet/services/Two"),
    ):
        done = run(tree, path, cwd=tree / cwd)
        assert done.returncode == 0, done.stdout + done.stderr
        passed = 2 if path == "test_good.py" else 1
        assert f"{passed} passed in" in done.stdout.splitlines()[-1]


def test_k_chooses_by_name(tree: Path) -> None:
    assert run(tree, "-k", "nothing").returncode == 2
    done = run(tree, "-k", "two and not engine", "--fast")
    assert done.returncode == 0
    assert re.search(r"\b[12] passed", done.stdout.splitlines()[-1])


def test_a_path_that_is_not_there_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "no/such/file.py::test_x"]) == 2
    assert "there is no no/such/file.py here" in capsys.readouterr().err


def test_without_pytest_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert main(["test"]) == 1
    assert "-> run ./dockwright test: it makes one that has" in capsys.readouterr().err


@pytest.mark.parametrize(("code", "ours"), [(0, 0), (1, 1), (2, 1), (3, 1), (4, 2), (5, 2)])
def test_pytests_codes_become_ours(code: int, ours: int) -> None:
    assert verb.exit_code(code) == ours


@pytest.fixture
def slow(tree: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that has got to a test that does not end."""
    code = "import pathlib, time\ndef test_slow():\n    pathlib.Path('here').touch()\n    time.sleep(600)\n"
    _write(tree, "tests/test_slow.py", code)
    words, pipe = [*TEST, "tests/test_slow.py", "--fast"], subprocess.PIPE
    process = subprocess.Popen(words, cwd=tree, env=environment(tree), stdout=pipe, stderr=subprocess.STDOUT, text=True)
    with process:
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_ended_run_ends_with_130(slow: subprocess.Popen[str], tree: Path, number: signal.Signals) -> None:
    while not (tree / "here").exists():
        assert slow.poll() is None, "it ended before it began"
        time.sleep(0.05)
    os.kill(slow.pid, number)
    said, _ = slow.communicate(timeout=60)
    assert slow.returncode == 130
    assert "KeyboardInterrupt" in said
    assert SUMMARY.fullmatch(said.splitlines()[-1])
