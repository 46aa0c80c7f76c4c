"""Package lists are read with patience, and not with more than that: a program that hangs is ended."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from dockwright.errors import Unreachable
from dockwright.lock import archive, lists
from dockwright.lock.resolver import Silent, Stop

HANGS = """#!/bin/sh
echo begun >> "$MARKS"; echo "I: begun"
[ "$(wc -l < "$MARKS")" -gt {times} ] || exec sleep 600
"""


def maker(folder: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> Path:
    """A mmdebstrap that hangs so many times; where it notes each of its lives."""
    marks, program = folder / "marks", folder / "bin" / "mmdebstrap"
    program.parent.mkdir()
    program.write_text(HANGS.format(times=times).replace('"$MARKS"', f"'{marks}'"))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(archive, "SILENCE", 1.0)
    return marks


def test_one_that_hangs_once_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marks = maker(tmp_path, monkeypatch, times=1)
    read = lists.read("debian", "bookworm", tmp_path / "lists", Stop(), None, lines=[])
    assert read.suite == "bookworm"
    assert marks.read_text() == "begun\nbegun\n"


def test_one_that_hangs_again_is_an_archive_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker(tmp_path, monkeypatch, times=99)
    with pytest.raises(Unreachable, match="the archive of bookworm does not answer") as caught:
        lists.read("debian", "bookworm", tmp_path / "lists", Stop(), None, lines=[])
    assert "said nothing for 1 s" in str(caught.value.output)  # type: ignore[attr-defined]


def test_one_that_speaks_now_and_then_is_left_in_peace(tmp_path: Path) -> None:
    words = ("sh", "-c", "for _ in 1 2 3 4; do sleep 0.7; echo on; done")
    env = {"PATH": os.environ["PATH"]}
    assert Stop().run(words, env=env, cwd=tmp_path, silence=30.0) == (0, "on\non\non\non")
    began = time.monotonic()
    with pytest.raises(Silent, match="`sh -c"):
        Stop().run(("sh", "-c", "echo once; sleep 600"), env=env, cwd=tmp_path, silence=1.0)
    assert time.monotonic() - began < 300
