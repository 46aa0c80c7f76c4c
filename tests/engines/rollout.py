"""The tool rolling out over two machines as its user types it, and what is seen of them afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dockwright.engine.docker import Docker
from dockwright.release import shelf
from dockwright.release.record import InstancePicture, Record
from dockwright.rollout import facts
from engines import shapes
from engines.fleet import Fleet
from engines.standins import Checkout
from engines.two import MAIN_IP, OTHER_IP, Pair

EARLY = {
    "mainpc/SelfHealingSupervisor",
    "mainpc/ServiceRegistry",
    "mainpc/SystemDigitalTwin",
    "mainpc/UnifiedObservabilityCenter",
    "pc2/CentralErrorBus",
    "pc2/SelfHealingSupervisor",
    "pc2/UnifiedObservabilityCenter",
}
# Each is alone in a phase of its own: pc2's goes before mainpc's.
SECOND, THIRD = "pc2/AsyncProcessor", "mainpc/Executor"
EVERY = EARLY | {SECOND, THIRD}
BEHAVES = """

_made = create


def create(service: Service) -> FastAPI:
{code}
    return _made(service)
"""


@dataclass(frozen=True)
class Rollout:
    """The tool run from a checkout of its own, rolling out over two machines, and what is seen on them."""

    fleet: Fleet
    made: Checkout
    pair: Pair
    dockers: dict[str, Docker]

    @classmethod
    def of(cls, docker: Docker, pair: Pair, made: Checkout, folder: Path) -> Rollout:
        """`made`: the slice; two services more are put into it, so that there are three waves."""
        file = folder / "machines.toml"
        file.write_text(pair.machines_toml())
        fleet = Fleet(docker, made.root, {"DOCKWRIGHT_MACHINES": str(file)})
        found = cls(fleet, made, pair, {"mainpc": docker, "pc2": pair.docker})
        for each in (SECOND, THIRD):
            machine, _, service = each.partition("/")
            shapes.put(made.root, service, machine)
            toml = made.root / "fleet" / "services" / service / "service.toml"
            toml.write_text(toml.read_text().replace("start_seconds = 60", "start_seconds = 10"))
        found.ok("lock", *(each.partition("/")[2] for each in (SECOND, THIRD)))
        return found

    def ok(self, *words: str) -> str:
        done = self.fleet.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def fails(self, *words: str, code: int = 1) -> str:
        """All that a verb says when it ends so."""
        done = self.fleet.run(*words)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr + done.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.ok(*words, "--json"))

    def behave(self, each: str, code: str) -> None:
        """Have an instance's service do something more when it starts: the lines of a function that knows `service`."""
        app = self.made.root / "fleet" / "services" / each.partition("/")[2] / "probe" / "app.py"
        lines = "".join(f"    {line}\n" for line in code.splitlines()).rstrip("\n")
        app.write_text((shapes.PROBE / "probe" / "app.py").read_text() + BEHAVES.format(code=lines))

    def release(self, message: str) -> str:
        """Commit what the checkout holds, build it, make a release of it; its name."""
        self.made.commit(message)
        self.ok("build")
        return str(self.json("release", "create")["release"]["name"])

    def changed(self, message: str, code: str = "") -> str:
        """A release in which two instances differ, one on each machine; `code`: what the later one does."""
        self.behave(SECOND, f"# {message}")
        self.behave(THIRD, code or f"# {message}")
        return self.release(message)

    def seen(self) -> dict[str, tuple[str, str]]:
        """Instance -> its container, and since when that runs."""
        return {name: (str(each.inspected["Id"]), each.since) for name, each in self.containers().items()}

    def running(self) -> dict[str, str]:
        """Instance -> the last release that has the image that it runs; or how it is, where it does not run."""
        records = list(reversed(self.records()))
        return {
            name: next(
                (one.name for one in records if one.contents.instances[name].digest == facts.digest(each)), "none"
            )
            if each.state == "running"
            else each.state
            for name, each in self.containers().items()
        }

    def records(self) -> list[Record]:
        return shelf.here().all()

    @property
    def state(self) -> Path:
        return shelf.here().home.parent

    def picture(self, release: str, each: str) -> InstancePicture:
        return next(one for one in self.records() if one.name == release).contents.instances[each]

    def told(self, name: str, value: str) -> Rollout:
        """The same with a variable in its environment."""
        return replace(self, fleet=replace(self.fleet, environ={**self.fleet.environ, name: value}))

    def elsewhere(self, state: Path) -> Rollout:
        """The same from another host: one that has a state of its own."""
        docker = self.dockers["mainpc"]
        return self.told("DOCKWRIGHT_STATE", str(state)).told("DOCKER_HOST", docker.host)

    def images(self) -> dict[str, str]:
        """Instance -> the digest of the image that it runs."""
        return {name: facts.digest(each) for name, each in self.containers().items()}

    def unwell(self) -> dict[str, str]:
        """Instance -> why it is not well, asked on its health port as its callers would."""
        services = self.made.fleet.services
        asked = {
            name: (MAIN_IP if name.startswith("mainpc/") else OTHER_IP, services[name.partition("/")[2]].health_port)
            for name in self.containers()
        }
        return {name: health.reason for name, health in facts.ask_all(asked).items() if not health.ok}

    def containers(self) -> dict[str, facts.Container]:
        """Instance -> its container, on either machine."""
        return {
            f"{each.labels['io.dockwright.machine']}/{each.labels['io.dockwright.service']}": each
            for docker in self.dockers.values()
            for each in facts.containers(docker).values()
            if each.labels["io.dockwright.role"] == "instance"
        }

    def volumes(self) -> set[str]:
        return {name for docker in self.dockers.values() for name in docker.run("volume", "ls", "--quiet").split()}

    def held(self) -> list[str]:
        """The machines that somebody holds."""
        name = "dockwright-deploy-lock"
        return [machine for machine, docker in self.dockers.items() if docker.inspect("network", [name])]

    def until(self, words: list[str], said: str, then: Callable[[subprocess.Popen[str]], None]) -> tuple[int, str]:
        """Run a verb, do something when it says `said`; its exit code and everything that it said."""
        lines: list[str] = []
        done = False
        with self.fleet.start(*words) as process:
            for line in process.stdout or ():
                lines.append(line)
                if said in line and not done:
                    done = True
                    then(process)
        told = "".join(lines)
        assert done, f"it never said '{said}':\n{told}"
        return process.returncode, told

    def clear(self) -> None:
        """Remove what was rolled out, on both machines, and what this host knows of it: others use its state, too."""
        for docker in self.dockers.values():
            names = list(facts.containers(docker))
            if names:
                docker.run("rm", "--force", "--volumes", *names, timeout=120)
        self.fleet.run("down", "--keep-engine", "--delete-state")
        for part in ("rollout", "releases"):
            shutil.rmtree(self.state / part, ignore_errors=True)


def kill(process: subprocess.Popen[str]) -> None:
    """End the tool at once, as the kernel does when memory is short; what it started goes on."""
    os.kill(process.pid, signal.SIGKILL)


def interrupt(process: subprocess.Popen[str]) -> None:
    """Ctrl-C."""
    os.killpg(process.pid, signal.SIGINT)


def wait(true: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for something to become true; a deadline that only something broken reaches."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.3)
