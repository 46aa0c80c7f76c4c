"""An engine for a benchmark alone, below a temporary folder with its state directory; both are removed afterwards."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from dockwright.engine import daemon
from dockwright.engine.docker import Docker, capable_client


@contextmanager
def own_engine(say: Callable[[str], None]) -> Iterator[tuple[Docker, Path]]:
    """The engine and the folder; $DOCKWRIGHT_STATE and $DOCKER_HOST name them to what the benchmark runs."""
    client = capable_client()
    if client is None or os.geteuid() != 0:
        raise SystemExit("it starts a Docker engine of its own: run it as root, with Docker's packages installed")
    folder = Path(tempfile.mkdtemp(prefix="dockwright-benchmark-", dir="/var/tmp"))
    own = daemon.Daemon(folder / "engine", builds_only=True)
    try:
        docker = daemon.start(own, client, say)
        os.environ |= {"DOCKWRIGHT_STATE": str(folder / "state"), "DOCKER_HOST": docker.host}
        yield docker, folder
    finally:
        daemon.stop(own)
        shutil.rmtree(folder, ignore_errors=True)
