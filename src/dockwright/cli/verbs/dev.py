"""Run services from the work tree as processes on this host, without any container, and again when files change.

Each runs with exactly its locked packages, on its own ports on 127.0.0.1, and knows those peers that run beside it.
A change in a service's folder starts that service again, a change in the kit all of them. Ctrl-C ends them.

  dockwright dev ServiceRegistry UnifiedObservabilityCenter
  dockwright dev ServiceRegistry --no-reload
"""

from __future__ import annotations

import argparse
import queue
import sys
import threading
from functools import partial
from pathlib import Path

from dockwright.build.origin import read_origin
from dockwright.cli.context import repository
from dockwright.cli.progress import Progress
from dockwright.engine.process import Process
from dockwright.errors import UsageError
from dockwright.rollout import dev, logs, ports
from dockwright.rollout.choice import Choice
from dockwright.rollout.place import LOOPBACK
from dockwright.spec.load import load_fleet
from dockwright.spec.model import Fleet
from dockwright.spec.names import did_you_mean


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("services", nargs="+", metavar="SERVICE", help="services to run")
    parser.add_argument("--machine", default="mainpc", metavar="NAME", help="whose profile they get; default mainpc")
    parser.add_argument("--no-reload", action="store_true", help="do not watch files")


def run(arguments: argparse.Namespace) -> int:
    root = repository()
    fleet = load_fleet(root / "fleet")
    _usable(fleet, arguments.services, arguments.machine)
    say = Progress()
    running = dev.instances(fleet, dict.fromkeys(arguments.services), arguments.machine)
    origin = read_origin(root)
    dev.token(dev.place())
    dev.place().write_desired(dev.desired(fleet, running, arguments.machine, origin))
    launches = []
    for instance in running:
        python = fleet.python_of(fleet.services[instance.service].family)
        interpreter = dev.environment(instance.service, root, python, say)
        launches.append(dev.launch(fleet, instance, running, interpreter, root, origin))
        row = fleet.services[instance.service]
        say(f"{instance.service}: http://{LOOPBACK}:{row.port}/, health http://{LOOPBACK}:{row.health_port}/health")
    stage = Stage(launches, say)
    if not arguments.no_reload:
        threading.Thread(target=_watch, args=(stage, root), daemon=True).start()
    return stage.run()


def _usable(fleet: Fleet, names: list[str], machine: str) -> None:
    if machine not in fleet.machines:
        raise UsageError(f"no machine is called '{machine}'", f"choose from {', '.join(fleet.machines)}")
    for name in names:
        if name not in fleet.implementations:
            known = fleet.implementations
            there = "is not implemented yet" if name in fleet.services else f"is no service{did_you_mean(name, known)}"
            raise UsageError(f"{name} {there}", f"choose from {', '.join(known)}")
    instances = dev.instances(fleet, names, machine)
    wanted = ports.wanted(fleet, Choice(machine, tuple(instances), (), ()))
    ports.refuse(ports.busy(LOOPBACK, sorted(wanted)), wanted)


class Stage:
    """The processes; whatever happens to them comes through one queue, so that only one thread acts on them."""

    def __init__(self, launches: list[dev.Launch], say: Progress) -> None:
        self._launches = {launch.service: launch for launch in launches}
        self._processes: dict[str, Process] = {}
        self._happened: queue.Queue[tuple[str, str]] = queue.Queue()
        self._say = say

    @property
    def folders(self) -> dict[str, Path]:
        return {name: launch.folder for name, launch in self._launches.items()}

    def changed(self, services: set[str], what: str) -> None:
        """Ask for services to be started again; called from any thread."""
        for name in sorted(services):
            self._happened.put((name, what))

    def run(self) -> int:
        """Run until Ctrl-C; returns the exit code."""
        try:
            for name in self._launches:
                self._start(name)
            while True:
                name, what = self._happened.get()
                self._say(f"{name}: {what}")
                if what.startswith("changed"):
                    self._processes.pop(name).end()
                    self._start(name)
        except KeyboardInterrupt:
            self._say("ending")
            return 130
        finally:
            for process in self._processes.values():
                process.end()

    def _start(self, name: str) -> None:
        launch = self._launches[name]
        self._processes[name] = Process(
            launch.argv,
            env=launch.env,
            cwd=launch.folder,
            on_line=partial(_print, name),
            on_end=lambda status: self._happened.put((name, f"ended with {status}; a changed file starts it again")),
        )


def _print(service: str, line: str) -> None:
    # In one piece: each process has a thread that prints.
    sys.stdout.write(f"{logs.shown(logs.entry(service, line), colour=sys.stdout.isatty())}\n")
    sys.stdout.flush()


def _watch(stage: Stage, root: Path) -> None:
    from watchfiles import PythonFilter, watch

    kit = root / "servicekit" / "src"
    wanted = PythonFilter(extra_extensions=(".toml", ".html", ".css", ".js"))
    for changes in watch(kit, *stage.folders.values(), watch_filter=wanted, raise_interrupt=False):
        paths = [Path(path) for _, path in changes if "tests" not in Path(path).parts]
        hit = {name for name, folder in stage.folders.items() for path in paths if folder in path.parents}
        if any(kit in path.parents for path in paths):
            hit = set(stage.folders)
        if hit:
            stage.changed(hit, f"changed: {paths[0].name}")
