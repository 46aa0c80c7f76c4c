"""The command line as it is typed: help, exit codes, and one clear line when something fails."""

from __future__ import annotations

import errno
import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from dockwright import __version__
from dockwright.cli import VERBS, main
from dockwright.errors import CommandFailed, DockwrightError, EngineUnavailable, UnreadableInput, UsageError

ROOT = Path(__file__).parents[2]
Out = pytest.CaptureFixture[str]


def test_without_a_verb_it_says_what_there_is(capsys: Out) -> None:
    assert main([]) == 0
    bare = capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert (caught.value.code, capsys.readouterr().out) == (0, bare)
    for name, line in VERBS.items():
        assert f" {name} {line} " in " ".join(bare.split())


def test_its_version(capsys: Out) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert (caught.value.code, capsys.readouterr().out) == (0, f"dockwright {__version__}\n")


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_refuses_what_it_does_not_know(name: str, capsys: Out) -> None:
    with pytest.raises(SystemExit) as caught:
        main([name, "--no-such-option"])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith(f"usage: dockwright {name} ")


def test_an_unknown_verb_is_answered_with_the_nearest(capsys: Out) -> None:
    assert main(["chekc"]) == 2
    told = "dockwright: there is no verb 'chekc' (did you mean 'check'?); see ./dockwright --help\n"
    assert capsys.readouterr() == ("", told)
    assert main(["xyzzy"]) == 2
    assert "did you mean" not in capsys.readouterr().err


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The schema verb, for a test to give it another `run`."""
    return importlib.import_module("dockwright.cli.verbs.schema")


@pytest.mark.parametrize(
    ("error", "code"),
    [(DockwrightError, 1), (CommandFailed, 1), (UsageError, 2), (UnreadableInput, 2), (EngineUnavailable, 3)],
)
def test_an_error_is_one_line_what_to_do_and_its_code(
    error: type[DockwrightError], code: int, verb: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    def run(_: object) -> int:
        raise error("it is broken", "mend it")

    monkeypatch.setattr(verb, "run", run)
    assert main(["schema"]) == code
    assert capsys.readouterr() == ("", "dockwright: it is broken\n  -> mend it\n")
    assert main(["schema", "--verbose"]) == code
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_one_line_wherever_it_is_met(
    number: int, verb: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    def run(_: object) -> int:
        raise OSError(number, os.strerror(number), "/state/file")

    monkeypatch.setattr(verb, "run", run)
    assert main(["schema"]) == 1
    told = "dockwright: /state/file cannot be written: the disk is full\n  -> make room and run it again\n"
    assert capsys.readouterr() == ("", told)
    assert main(["schema", "--verbose"]) == 1
    assert os.strerror(number) in capsys.readouterr().err


def test_the_end_of_a_failed_programs_output_is_shown(
    verb: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    def run(_: object) -> int:
        raise CommandFailed("it ended", output="\n".join(map(str, range(100))))

    monkeypatch.setattr(verb, "run", run)
    main(["schema"])
    assert capsys.readouterr().err.splitlines() == ["dockwright: it ended", *(f"  | {n}" for n in range(75, 100))]


def test_an_interruption_ends_with_130(verb: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    def run(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(verb, "run", run)
    assert main(["schema"]) == 130
    assert capsys.readouterr().err == "dockwright: interrupted; run the same command again to go on\n"


def test_a_mistake_of_the_tools_own_is_not_hidden(verb: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(verb, "run", run)
    with pytest.raises(ZeroDivisionError):
        main(["schema"])


@pytest.mark.parametrize("words", ["check --json", "check --rules", "--help"])
@pytest.mark.parametrize("reader", ["head -c 1", "true"])
def test_a_reader_who_went_away_is_no_error(words: str, reader: str) -> None:
    """Before the first byte as well as after it, whether all of it fits into a buffer or not."""
    line = f"{{ {sys.executable} -m dockwright {words}; echo $? >&2; }} | {reader}"
    env = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    done = subprocess.run(["sh", "-c", line], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.stderr == "0\n"


def test_the_launcher_works_from_anywhere_and_through_a_link(tmp_path: Path) -> None:
    link = tmp_path / "dw"
    link.symlink_to(ROOT / "dockwright")
    done = subprocess.run([link, "test", "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: dockwright test ")


def test_ctrl_c_is_answered_at_once(tmp_path: Path) -> None:
    """A real process, a real signal: no trace, exit code 130."""
    code = "import sys, time; from dockwright.cli import main; from dockwright.cli.verbs import schema\n"
    code += "schema.run = lambda _: (print('here', flush=True), time.sleep(600)); sys.exit(main(['schema']))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGINT)
        assert process.stderr.read() == "dockwright: interrupted; run the same command again to go on\n"
        assert process.wait(30) == 130
