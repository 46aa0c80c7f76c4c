"""A build that BuildKit has lost its client in goes on; one that fails for its own reasons does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine.programs import program

from dockwright.build.make import TRIES, run_bake
from dockwright.engine.docker import Docker
from dockwright.errors import CommandFailed

LOST = 'ERROR: failed to solve: Unavailable: desc = "transport: Error while dialing: only one connection allowed"'
SERVER = '{"ApiVersion":"1.45","Version":"26.1.5"}'


def docker(folder: Path, says: str, failures: int) -> Docker:
    """A client whose first builds fail and say something; it counts them in a file `builds`."""
    script = f"""cd {folder}
case "$1" in
    version) echo '{SERVER}' ;;
    info) echo '[]' ;;
    buildx) cat > definition; echo >> builds
        [ "$(wc -l < builds)" -gt {failures} ] || {{ echo '{says}' >&2; exit 1; }} ;;
esac"""
    return Docker(program(folder, "docker", script), "unix:///x", (1, 45), "26.1.5")


def builds(folder: Path) -> int:
    return len((folder / "builds").read_text().splitlines())


def test_a_lost_connection_is_made_again(tmp_path: Path) -> None:
    said: list[str] = []
    run_bake(docker(tmp_path, LOST, TRIES - 1), {"target": {}}, {}, said.append)
    assert builds(tmp_path) == TRIES
    assert said == ["BuildKit lost its connection to the client; going on with what is not built yet"] * (TRIES - 1)
    assert (tmp_path / "definition").read_text() == '{"target": {}}'


@pytest.mark.parametrize(("says", "tries"), [(LOST, TRIES), ("ERROR: exit code: 1", 1)])
def test_a_build_that_fails_ends_at_last(tmp_path: Path, says: str, tries: int) -> None:
    with pytest.raises(CommandFailed, match="the build failed") as caught:
        run_bake(docker(tmp_path, says, 99), {"target": {}}, {}, lambda _: None)
    assert builds(tmp_path) == tries
    assert says.split(":")[-1].strip() in caught.value.output
