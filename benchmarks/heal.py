"""How long it takes until a broken instance answers healthy again, beside Docker's own restart of a crashed container.

Usage: ./dockwright up, then .venv/bin/python benchmarks/heal.py [--rounds N] [--json]

It breaks the running fleet on purpose, one instance at a time, and always waits until it is whole again:

  crash    kill -9 of the service's process           goal: 5 s or less
  hang     kill -STOP of the service's process        goal: 15 s or less
  removed  docker rm --force of the container         goal: 5 s or less

A round counts from the breaking until the health port answers 200 from a new process. The peer is a container of the
same image with Docker's `--restart always`, crashed in the same way: from the kill until its process runs again and
answers. For a hang there is no peer: Docker marks such a container unhealthy and leaves it. `tests/engines` asserts
that each kind is healed; the seconds are printed here and nowhere asserted.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import time
from typing import Any

from slice import Running, as_json, fleet, processes, until

GOALS = {"crash": 5.0, "hang": 15.0, "removed": 5.0}
# One each: the supervisor's circuit breaker lets five restarts of an instance through in five minutes.
VICTIMS = {"crash": "ServiceRegistry", "hang": "SystemDigitalTwin", "removed": "CentralErrorBus"}
PATIENCE = 120.0
# The supervisor waits longer after each restart in a row; a round starts when that is forgotten.
BETWEEN = 35.0


def worker(running: Running, service: str) -> int:
    """The service's own process: init's child."""
    return processes(running.docker, running.container(service))[1].pid


def break_it(running: Running, service: str, how: str) -> None:
    if how == "removed":
        running.docker.run("rm", "--force", running.container(service))
    else:
        os.kill(worker(running, service), signal.SIGKILL if how == "crash" else signal.SIGSTOP)


def heal(running: Running, service: str, how: str) -> float | None:
    """Seconds from breaking an instance until a new process of it is healthy."""
    before = worker(running, service)

    def anew() -> bool:
        if not running.healthy(service):
            return False
        found = processes(running.docker, running.container(service))
        return len(found) > 1 and found[1].pid != before

    began = time.monotonic()
    break_it(running, service, how)
    return None if until(anew, PATIENCE) is None else time.monotonic() - began


def peer(running: Running, service: str) -> float | None:
    """Seconds until a crashed container that Docker itself restarts runs its service again, to the same answer."""
    row = running.rows[service]
    name = "dockwright-benchmark-peer"
    docker = running.docker
    docker.run("rm", "--force", "--volumes", name, check=False)
    image = f"{row['image']}@{row['image_digest']}" if docker.image_store == "containerd" else str(row["image"])
    secret = [mount for mount in _mounts(running, service) if mount["Destination"].startswith("/run/secrets/")]
    mounts = [f"--volume={mount['Source']}:{mount['Destination']}:ro" for mount in secret]
    docker.run(
        "run",
        "--detach",
        "--pull=never",
        "--restart=always",
        "--name",
        name,
        "--volume=/state",
        *mounts,
        image,
    )

    def answers() -> bool:
        probe = f"http://127.0.0.1:{row['health_port']}/health"
        words = ("exec", name, "curl", "--silent", "--fail", "--max-time", "1", "--output", "/dev/null", probe)
        try:
            docker.run(*words)
        except Exception:  # noqa: BLE001 - not running, or not healthy yet
            return False
        return True

    try:
        if until(answers, 60) is None:
            return None
        time.sleep(11)  # Docker restarts at once only what has run for ten seconds.
        before = processes(docker, name)[1]
        began = time.monotonic()
        before.kill()
        until(lambda: before not in processes(docker, name), 10)
        return None if until(answers, 60) is None else time.monotonic() - began
    finally:
        docker.run("rm", "--force", "--volumes", name, check=False)


def _mounts(running: Running, service: str) -> list[dict[str, Any]]:
    found: Any = running.docker.inspect("container", [running.container(service)])[0]["Mounts"]
    return list(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, choices=range(1, 6))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    running = fleet()
    told: dict[str, dict[str, object]] = {}
    slow = False
    for how, goal in GOALS.items():
        took: list[float] = []
        for _ in range(arguments.rounds):
            seconds = heal(running, VICTIMS[how], how)
            if seconds is None:
                print(f"{how}: not healthy again after {PATIENCE:.0f} s", file=sys.stderr)
                return 1
            took.append(seconds)
            time.sleep(BETWEEN)
        slow = slow or max(took) > goal
        told[how] = {
            "seconds": [round(one, 2) for one in took],
            "median": round(statistics.median(took), 2),
            "goal": goal,
        }
        if not arguments.json:
            print(
                f"{how:<8} median {statistics.median(took):5.2f} s  worst {max(took):5.2f} s  goal {goal:4.0f} s",
                flush=True,
            )
    docker = peer(running, VICTIMS["crash"])
    ratio = None if docker is None else round(float(str(told["crash"]["median"])) / docker, 2)
    if arguments.json:
        print(as_json({"heals": told, "docker_restart": docker, "crash_ratio": ratio}))
    else:
        print(f"peer     Docker's own restart after a crash {docker or 0:5.2f} s; the supervisor's: {ratio} x")
        print("peer     Docker's own answer to a hang: none")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
