"""Runs smoke tests inside an image: what `smoke` hands to the image's own Python, 3.10 or newer, and nothing else.

Standard input is a JSON object: `files` (path -> text), `tests` (paths of those that hold tests) and `seconds` (how
long each of these may take). Every function of such a file whose name begins with `test_` is a test, in the order in
which they are written; one that raises `unittest.SkipTest` did not run, and says why. Each file runs in a process of
its own, so that one that crashes or hangs takes nothing with it. For each test a line of JSON is written as it begins,
and one as it ends; whatever else a test writes is kept back, and told only where its process broke.
"""

import faulthandler
import importlib.util
import json
import os
import sys
import tempfile
import time
import traceback
import unittest
from pathlib import Path
from types import FunctionType
from typing import IO, Any

KEPT = 2000


def main() -> None:
    asked = json.load(sys.stdin)
    told = os.fdopen(os.dup(1), "w", buffering=1)
    folder = Path(tempfile.gettempdir(), "smoke")
    for name, text in asked["files"].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if str(path.parent) not in sys.path:
            sys.path.append(str(path.parent))
    for name in asked["tests"]:
        apart(folder / name, name, asked["seconds"], told)


def apart(path: Path, name: str, seconds: float, told: IO[str]) -> None:
    """Run one file in a process of its own, and tell how that process ended when it ended badly."""
    with tempfile.TemporaryFile() as wrote:
        child = os.fork()
        if not child:
            os.dup2(wrote.fileno(), 1)
            os.dup2(wrote.fileno(), 2)
            faulthandler.enable()
            faulthandler.dump_traceback_later(seconds, exit=True)
            run(path, name, told)
            os._exit(0)  # No thread that a test left behind holds the end up.
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code:
            wrote.seek(max(0, wrote.seek(0, os.SEEK_END) - KEPT))
            tell(told, file=name, ended=code, wrote=wrote.read().decode(errors="replace"))


def run(path: Path, name: str, told: IO[str]) -> None:
    """Run the tests of one file, here."""
    tell(told, began=name)
    try:
        tests = read(path)
    except BaseException:  # noqa: BLE001 - whatever it raises is told
        tell(told, test=name, outcome="failed", why=trace(), seconds=0.0)
        return
    if not tests:
        tell(told, test=name, outcome="failed", why="there is no test in it", seconds=0.0)
    for test in tests:
        one(test, f"{name}::{test.__name__}", told)


def read(path: Path) -> list[FunctionType]:
    """The tests of a file, which is imported."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None  # noqa: S101 - a .py file has a loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return [value for key, value in vars(module).items() if key.startswith("test_") and isinstance(value, FunctionType)]


def one(test: FunctionType, name: str, told: IO[str]) -> None:
    tell(told, began=name)
    began, outcome, why = time.monotonic(), "passed", ""
    try:
        test()
    except unittest.SkipTest as reason:
        outcome, why = "not run", str(reason)
    except BaseException:  # noqa: BLE001 - whatever it raises is told
        outcome, why = "failed", trace()
    tell(told, test=name, outcome=outcome, why=why, seconds=round(time.monotonic() - began, 3))


def trace() -> str:
    """The exception of now, without the frames of this program."""
    kind, error, frames = sys.exc_info()
    while frames is not None and frames.tb_frame.f_code.co_filename == trace.__code__.co_filename:
        frames = frames.tb_next
    return "".join(traceback.format_exception(kind, error, frames)).strip()


def tell(told: IO[str], **line: Any) -> None:
    told.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
