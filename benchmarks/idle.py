"""What the running fleet costs while nobody asks it anything: memory of each instance, CPU of the whole slice.

Usage: ./dockwright up, then .venv/bin/python benchmarks/idle.py [--seconds N] [--json]

Memory is PSS (proportional set size) over all processes of a container, its init included; goal: 45 MB an instance.
The engine's own part (dockerd, containerd, shims, port proxies) is counted apart. The peer is the smallest thing that
answers HTTP: Python's own http.server in a container of the same family, measured in the same run.
"""

from __future__ import annotations

import argparse
import sys
import time

import psutil
from slice import Running, as_json, cpu_seconds, family, fleet, processes, pss

GOAL = 45e6


def engine_processes(instances: set[psutil.Process]) -> list[psutil.Process]:
    """The engine's daemons, shims and port proxies: everything of Docker's on this host, less what is in containers."""
    daemons = ("dockerd", "containerd", "containerd-shim-runc-v2", "docker-proxy")
    roots = [one for one in psutil.process_iter(["name"]) if one.info["name"] in daemons]
    found = {one for root in roots for one in family(root.pid)}
    return [one for one in found - instances if one.name() in daemons]


def peer(running: Running) -> int:
    """PSS in bytes of a bare http.server in the image of the first instance."""
    row = next(iter(running.rows.values()))
    image = f"{row['image']}@{row['image_digest']}" if running.docker.image_store == "containerd" else str(row["image"])
    name = "dockwright-benchmark-peer"
    running.docker.run("rm", "--force", name, check=False)
    running.docker.run("run", "--detach", "--pull=never", "--name", name, image, "python3", "-m", "http.server", "8000")
    try:
        time.sleep(2)
        return sum(map(pss, processes(running.docker, name)))
    finally:
        running.docker.run("rm", "--force", name, check=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    running = fleet()
    names = {
        **{name: row["container"] for name, row in running.rows.items()},
        "(docker filter)": "dockwright-docker-filter",
    }
    found = {name: processes(running.docker, container) for name, container in names.items()}
    engine = engine_processes({one for numbers in found.values() for one in numbers})
    groups = {**found, "(engine)": engine}
    before = {name: sum(map(cpu_seconds, numbers)) for name, numbers in groups.items()}
    time.sleep(arguments.seconds)
    cpu = {
        name: (sum(map(cpu_seconds, numbers)) - before[name]) / arguments.seconds for name, numbers in groups.items()
    }
    memory = {name: sum(map(pss, numbers)) for name, numbers in groups.items()}
    bare = peer(running)
    instances = [name for name in memory if name in running.rows]
    if arguments.json:
        told = {name: {"pss_bytes": memory[name], "cpu_percent": round(100 * cpu[name], 2)} for name in groups}
        print(as_json({"seconds": arguments.seconds, "groups": told, "peer_pss_bytes": bare}))
        return int(any(memory[name] > GOAL for name in instances))
    for name, size in memory.items():
        over = "  over the goal of 45 MB" if name in instances and size > GOAL else ""
        ratio = f"{size / bare:4.1f} x peer" if name in instances else ""
        print(f"{name:<28} {size / 1e6:6.1f} MB  {100 * cpu[name]:5.2f} % of a core  {ratio}{over}")
    print(f"{'peer: bare http.server':<28} {bare / 1e6:6.1f} MB")
    total, busy = sum(memory[name] for name in instances), sum(cpu[name] for name in instances)
    print(f"{len(instances)} instances: {total / 1e6:.0f} MB, {100 * busy:.2f} % of a core")
    return int(any(memory[name] > GOAL for name in instances))


if __name__ == "__main__":
    sys.exit(main())
