"""`python -m self_healing_supervisor.filter`: serves the filter on its UNIX socket until SIGTERM."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import uvicorn

from self_healing_supervisor import words
from self_healing_supervisor.filter.app import Filter
from self_healing_supervisor.filter.journal import Journal
from self_healing_supervisor.filter.upstream import Engine


def listen(path: Path) -> socket.socket:
    """A UNIX socket at `path`, mode 0660 from its first moment; a former filter's is replaced. Raises OSError."""
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o117)
    try:
        bound.bind(str(path))
    finally:
        os.umask(mask)
    bound.setblocking(False)
    return bound


def settings(app: Filter) -> uvicorn.Config:
    """One process, plain HTTP/1.1, nothing upgraded, everything bounded."""
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=64,
        h11_max_incomplete_event_size=16 * 1024,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=3,
    )


def main() -> None:
    journal = Journal()
    app = Filter(Engine(words.docker_socket(), words.registry_login()), words.run_dir(), journal)
    bound = listen(Path(words.filter_socket()))
    journal.started(words.filter_socket())
    uvicorn.Server(settings(app)).run(sockets=[bound])


if __name__ == "__main__":
    main()
