"""What is told of roots that could not be made, and of packages that are not as locked."""

from __future__ import annotations

import pytest
from build.small import NOTHING

from dockwright.build.bases import Made
from dockwright.build.packages import Packages
from dockwright.build.planning import Planned
from dockwright.cli import stood_on
from dockwright.errors import DockwrightError
from dockwright.lock.archive import unreached

SILENT = unreached("jammy", "Err:1 http://archive.test jammy InRelease")
GONE = DockwrightError("debian-bookworm cannot be made as locked: neither the archive nor a snapshot has curl 1")
MOVED = Packages("base-utils", {}, False, ("curl 2 instead of 1",))


def planned(**unmade: DockwrightError) -> Planned:
    return Planned(NOTHING, (), Made(), unmade, (MOVED,))


def test_nothing_to_tell_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert stood_on.tell(Planned(NOTHING, (), Made(), {}, ())) == 0
    assert capsys.readouterr() == ("", "")


def test_one_line_for_each_root_and_the_exit_code_of_the_worst(capsys: pytest.CaptureFixture[str]) -> None:
    assert stood_on.tell(planned(legacy=SILENT, Agent=SILENT, web=GONE)) == 3
    out, said = capsys.readouterr()
    assert out == ""
    assert said.splitlines() == [
        "base-utils is not as locked: curl 2 instead of 1",
        "  -> ./dockwright lock records what the archive has now",
        "dockwright: legacy, Agent: not built: the archive of jammy does not answer",
        "  | Err:1 http://archive.test jammy InRelease",
        "  -> try again when it does",
        f"dockwright: web: not built: {GONE}",
    ]
    assert stood_on.tell(planned(web=GONE)) == 1
    assert stood_on.tell(planned()) == 0


def test_programs_read_the_same() -> None:
    assert stood_on.as_json(planned(legacy=SILENT)) == {
        "not_as_locked": {"base-utils": ["curl 2 instead of 1"]},
        "not_built": [{"name": "legacy", "why": "the archive of jammy does not answer"}],
    }
