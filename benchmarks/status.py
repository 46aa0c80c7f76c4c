"""What `status` costs as a host fills: a look at every container and a question to every health port.

Usage: .venv/bin/python benchmarks/status.py [--containers N ...] [--json]   (as root: it starts an engine of its own)

Containers that sleep are started on an engine in a temporary folder, 66 and then 500 of them, with the fleet's labels,
and something answers on the health port of each. Measured is `./dockwright status` from start to end, interpreter and
all, beside `docker ps` and one `docker inspect` of the same containers. Goals: 2 s for a fleet, 5 s for 500 containers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src")]

from own_engine import own_engine  # noqa: E402

from dockwright.cli.progress import Progress  # noqa: E402
from dockwright.engine.docker import Docker  # noqa: E402
from dockwright.rollout.compose import FLEET_LABEL  # noqa: E402
from dockwright.rollout.place import here  # noqa: E402

GOALS = {66: 2.0, 500: 5.0}
IMAGE = "status-benchmark:sleeps"
FILES = ("/bin/sleep", "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2")
FIRST_PORT = 20_000
ROUNDS = 3
AT_ONCE = 4
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{"status":"ok"}'


@contextmanager
def engine(say: Progress) -> Iterator[Docker]:
    """An engine with an image that sleeps; its containers are removed afterwards."""
    with own_engine(say) as (docker, folder):
        with tarfile.open(folder / "image.tar", "w", dereference=True) as archive:
            for name in FILES:
                archive.add(Path(name).resolve(), name)
        docker.run("import", str(folder / "image.tar"), IMAGE)
        yield docker
        names = docker.run("ps", "--all", "--quiet").split()
        for first in range(0, len(names), 50):
            docker.run("rm", "--force", *names[first : first + 50], timeout=300)


@contextmanager
def answering(ports: range) -> Iterator[None]:
    """Something healthy on every port of this host's own loopback."""
    loop = asyncio.new_event_loop()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await writer.drain()
        writer.close()

    async def listen() -> None:
        for port in ports:
            await asyncio.start_server(answer, "127.0.0.1", port)

    loop.run_until_complete(listen())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def fill(docker: Docker, first: int, count: int) -> None:
    """Start more containers, until there are `count`."""

    def start(number: int) -> None:
        labels = {
            FLEET_LABEL: "dockwright",
            "io.dockwright.role": "instance",
            "io.dockwright.service": f"Service{number}",
            "io.dockwright.machine": "mainpc",
        }
        words = [f"--label={key}={value}" for key, value in labels.items()]
        confined = ("--network=none", "--read-only", "--log-driver=none", "--pull=never")
        docker.run("run", "--detach", "--name", f"dockwright-service{number}", *confined, *words, IMAGE,
                   "/bin/sleep", "3600", timeout=600)  # fmt: skip

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(start, range(first, count)))
    (image,) = docker.inspect("image", [IMAGE])
    rows = [
        {
            "service": f"Service{number}",
            "machine": "mainpc",
            "container": f"dockwright-service{number}",
            "port": 0,
            "health_port": FIRST_PORT + number,
            "start_seconds": 20,
            "image_digest": image["Id"],
            "tag": "benchmark",
        }
        for number in range(count)
    ]
    here().write_desired({"machine": "mainpc", "machines": {"mainpc": {}}, "instances": rows})


def middle(measure: Callable[[], object]) -> float:
    def seconds() -> float:
        began = time.perf_counter()
        measure()
        return time.perf_counter() - began

    return statistics.median(seconds() for _ in range(ROUNDS))


def ours(count: int) -> None:
    words = (sys.executable, "-m", "dockwright", "status", "--json")
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(words, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["healthy"] == count, done.stdout[-2000:] + done.stderr


def peer(docker: Docker) -> None:
    docker.inspect("container", docker.run("ps", "--quiet", "--no-trunc").split())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--containers", type=int, nargs="+", default=[*GOALS])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found: dict[int, dict[str, float]] = {}
    say = Progress(quiet=arguments.json)
    sizes = sorted(arguments.containers)
    with engine(say) as docker, answering(range(FIRST_PORT, FIRST_PORT + sizes[-1])):
        there = 0
        for count in sizes:
            say(f"{count} containers")
            fill(docker, there, count)
            there = count
            found[count] = {"status": middle(partial(ours, count)), "docker": middle(partial(peer, docker))}
    if arguments.json:
        print(json.dumps({"seconds": found}, indent=2))
    for count, seconds in found.items() if not arguments.json else ():
        goal = f" (goal: {GOALS[count]:.0f} s)" if count in GOALS else ""
        times = seconds["status"] / seconds["docker"]
        print(f"{count:>4} containers  status {seconds['status']:.2f} s{goal}  "
              f"docker ps and inspect {seconds['docker']:.2f} s  {times:.1f} times that")  # fmt: skip
    return int(any(found[count]["status"] > goal for count, goal in GOALS.items() if count in found))


if __name__ == "__main__":
    sys.exit(main())
