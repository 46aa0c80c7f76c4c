"""Programs are run to their end, with their words kept, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dockwright.engine import command
from dockwright.errors import CommandFailed, Unreachable

PYTHON = sys.executable


def python(code: str) -> tuple[str, ...]:
    return (PYTHON, "-c", code)


def alive(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def until_gone(number: int) -> None:
    deadline = time.monotonic() + 30
    while alive(number):
        assert time.monotonic() < deadline, f"process {number} is still there"
        time.sleep(0.05)


def test_what_a_program_wrote_is_kept_apart() -> None:
    done = command.run(python("import sys; print('out'); print('err', file=sys.stderr)"))
    assert (done.stdout, done.stderr, done.returncode, done.ok) == ("out\n", "err\n", 0, True)


def test_a_failed_program_says_how_it_was_called_and_what_it_wrote() -> None:
    code = "import sys; print('on the way'); print('it broke', file=sys.stderr); sys.exit(7)"
    with pytest.raises(CommandFailed) as caught:
        command.run(python(code))
    assert (caught.value.returncode, caught.value.exit_code) == (7, 1)
    assert caught.value.output == "it broke\non the way"
    assert "ended with exit status 7" in str(caught.value)
    assert str(caught.value).startswith(f"`{PYTHON} -c ")


def test_without_check_a_failure_is_an_answer() -> None:
    assert command.run(python("raise SystemExit(3)"), check=False).returncode == 3


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    for name in ("no-such-program-here", str(tmp_path / "nothing")):
        with pytest.raises(CommandFailed, match=f"{name} is not installed or not on PATH"):
            command.run((name,))
        with pytest.raises(CommandFailed, match=f"{name} is not installed or not on PATH"):
            command.stream((name,), print)


def test_a_program_that_does_not_end_is_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"no answer from `.*` within 0 s") as caught:
        command.run(python("import time; time.sleep(600)"), timeout=0.2)
    assert caught.value.exit_code == 3


def test_bytes_that_are_no_text_do_not_stop_it() -> None:
    assert command.run(python(r"import os; os.write(1, b'a\xffb')")).stdout == "a�b"


def test_standard_input_is_given_or_empty() -> None:
    echo = python("import sys; print(repr(sys.stdin.read()))")
    assert command.run(echo, stdin="words").stdout == "'words'\n"
    assert command.run(echo).stdout == "''\n"


def test_env_is_laid_over_this_process_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERE", "1")
    show = python("import os; print(os.environ.get('HERE'), os.environ.get('THERE'))")
    assert command.run(show, env={"THERE": "2"}).stdout == "1 2\n"
    assert command.run(show).stdout == "1 None\n"


def test_cwd_is_where_it_runs(tmp_path: Path) -> None:
    assert command.run(python("import os; print(os.getcwd())"), cwd=tmp_path).stdout.strip() == str(tmp_path)


def test_stream_hands_over_each_line_when_it_is_written() -> None:
    code = "import sys; print('one', flush=True); print('two', file=sys.stderr, flush=True); sys.stdin.read()"
    got: list[str] = []
    assert command.stream(python(code), got.append, stdin="") == 0
    assert got == ["one", "two"]


def test_stream_feeds_a_program_that_talks_before_it_reads() -> None:
    big = "x" * 1_000_000
    code = "import sys; print('y' * 1_000_000, flush=True); print(len(sys.stdin.read()))"
    got: list[str] = []
    command.stream(python(code), got.append, stdin=big)
    assert got[-1] == "1000000"


def test_stream_does_not_mind_a_program_that_reads_nothing() -> None:
    assert command.stream(python("print('done')"), print, stdin="x" * 1_000_000) == 0


def test_a_failed_stream_carries_the_last_lines_only() -> None:
    with pytest.raises(CommandFailed) as caught:
        command.stream(python("for n in range(500): print(n)\nraise SystemExit(2)"), lambda _: None)
    assert caught.value.output.splitlines() == [str(number) for number in range(420, 500)]
    assert command.stream(python("raise SystemExit(2)"), print, check=False) == 2


def test_an_error_while_reading_ends_the_whole_group(tmp_path: Path) -> None:
    """A grandchild must not outlive the command that started it."""
    pids = tmp_path / "pids"
    code = (
        "import subprocess, sys, os, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "print('ready', flush=True); time.sleep(600)"
    )

    def stumble(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        command.stream(python(code), stumble)
    for number in map(int, pids.read_text().split()):
        until_gone(number)


def test_output_is_bytes_as_they_come_and_the_rest_is_read_away() -> None:
    code = "import os; os.write(1, b'a\\xff'); os.write(1, b'x' * 3_000_000)"
    with command.output(python(code)) as stream:
        assert stream.read(2) == b"a\xff"


def test_a_failed_output_carries_what_the_program_complained_of() -> None:
    code = "import sys; print('half'); sys.exit('no such image')"
    with pytest.raises(CommandFailed) as caught, command.output(python(code)) as stream:
        assert stream.read() == b"half\n"
    assert (caught.value.output, caught.value.returncode) == ("no such image", 1)
    with pytest.raises(CommandFailed, match="not installed"), command.output(("no-such-program",)):
        pass


def test_a_reader_that_fails_ends_the_program() -> None:
    code = "import os, time; os.write(1, f'{os.getpid():>9}'.encode()); time.sleep(600)"
    number = 0
    with pytest.raises(ValueError, match="enough"), command.output(python(code)) as stream:
        number = int(stream.read(9))
        raise ValueError("enough")
    until_gone(number)


def test_end_kills_what_ignores_the_polite_way() -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen(python(code), stdout=subprocess.PIPE, text=True, start_new_session=True)
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        command.end(process, patience=0.2)
        assert process.wait(30) == -signal.SIGKILL


def test_end_of_what_has_ended_is_nothing() -> None:
    process = subprocess.Popen(python(""), text=True, start_new_session=True)
    process.wait(30)
    command.end(process)
    assert process.returncode == 0


def test_a_stream_can_run_beside_this_thread() -> None:
    """The feeding thread ends with the program: nothing is left of it."""
    before = threading.active_count()
    command.stream(python("import sys; sys.stdin.read()"), print, stdin="text")
    deadline = time.monotonic() + 30
    while threading.active_count() > before:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_command_is_shown_as_typed_and_cut() -> None:
    assert command.shown(("docker", "run", "a b")) == "docker run 'a b'"
    long = command.shown(("x" * 500,))
    assert len(long) == 120
    assert long.endswith("…")


def test_merged_leaves_alone_what_is_not_asked_for() -> None:
    assert command.merged(None) is None
    assert command.merged({"A": "b"}) == {**os.environ, "A": "b"}
