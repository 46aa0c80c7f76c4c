"""What a rollout takes: from nothing, of one service, and back again when it is bad.

Usage: ./dockwright build, then .venv/bin/python benchmarks/deploy.py [--rounds N] [--slice] [--json]

It rolls out from a checkout and a state directory of its own, on the engine that answers here, as machine mainpc and
nothing else; a fleet that runs there already has to be stopped first (./dockwright down). It rolls out the implemented
slice first, and then (not with --slice) every service of mainpc that needs no card: a small one of the tests stands in
for what is not implemented, once as quick as it is, and once with a start of some seconds, as services have that load a
model. Measured:

  from nothing   `deploy` from start to end, beside `docker compose up --detach --wait` of the very same compose file
                 (goal: 1.3 times at most; a deploy also watches in the end that everything stays healthy, which weighs
                 most where instances are few and quick)
  plan           `deploy --dry-run` of a release of which everything runs, beside `docker compose --dry-run up` of the
                 same file; and, last, what deciding alone takes for every instance of the fleet, nothing asked or read
  one service    `deploy` of a release that differs in one service
  bad wave       from the moment at which a crash is noticed until every instance is back and gated (goal: 60 s or less)
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from engines import shapes  # noqa: E402 - the service of the tests

from dockwright.cli.progress import Progress  # noqa: E402
from dockwright.engine import find  # noqa: E402
from dockwright.engine.docker import Docker  # noqa: E402
from dockwright.rollout import facts  # noqa: E402
from dockwright.rollout.hold import Limits  # noqa: E402
from dockwright.rollout.plan import plan  # noqa: E402
from dockwright.rollout.target import Seen, Target  # noqa: E402
from dockwright.spec.load import load_fleet  # noqa: E402

GOALS = {"from nothing": 1.3, "bad wave": 60.0}
LOADS = 10  # seconds
LEFT_OUT = ("legacy-py310-cpu",)  # Its root is another one, which takes long to make.
VICTIM = "SystemDigitalTwin"
APP = Path("fleet/services") / VICTIM / "system_digital_twin" / "app.py"


@dataclass(frozen=True)
class Bench:
    """A checkout with a history of its own, and the engine that it is rolled out on."""

    docker: Docker
    root: Path
    state: Path
    say: Progress

    def env(self) -> dict[str, str]:
        own = {"DOCKWRIGHT_STATE": str(self.state), "DOCKWRIGHT_MACHINES": str(self.state / "machines.toml")}
        return {**os.environ, "PYTHONPATH": str(self.root / "src"), "DOCKER_HOST": self.docker.host, **own}

    def run(self, *words: str, code: int = 0) -> str:
        argv = (sys.executable, "-m", "dockwright", *words)
        done = subprocess.run(argv, env=self.env(), capture_output=True, text=True, check=False)
        if done.returncode != code:
            raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def git(self, *words: str) -> None:
        who = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.invalid")
        subprocess.run(("git", "-C", self.root, *who, *words), check=True, capture_output=True)

    def release(self, message: str) -> str:
        self.say(message)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        self.run("build", "--json")
        return str(json.loads(self.run("release", "create", "--partial", "--json"))["release"]["name"])

    def clear(self) -> None:
        names = list(facts.containers(self.docker))
        if names:
            self.docker.run("rm", "--force", "--volumes", *names, timeout=300)
        self.docker.run("network", "rm", "dockwright", check=False)


@contextmanager
def bench(say: Progress) -> Iterator[Bench]:
    """A copy of this work tree, and a state directory, that are removed afterwards."""
    docker = find.running()
    if facts.containers(docker):
        raise SystemExit("a fleet runs on this engine: ./dockwright down first")
    folder = Path(tempfile.mkdtemp(prefix="dockwright-benchmark-"))
    made = Bench(docker, folder / "checkout", folder / "state", say)
    try:
        for part in ("src", "fleet", "servicekit"):
            shutil.copytree(ROOT / part, made.root / part, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        (made.root / ".gitignore").write_text("__pycache__\n")
        made.state.mkdir()
        (made.state / "machines.toml").write_text('[mainpc]\nengine = "local"\n')
        made.git("init", "--quiet")
        yield made
    finally:
        made.clear()
        shutil.rmtree(folder, ignore_errors=True)


def deploy(made: Bench) -> tuple[float, float]:
    """Seconds of a deploy, and how many of them it watched what was healthy by then."""
    began = time.perf_counter()
    waves = json.loads(made.run("deploy", "--json"))["waves"]
    limits = Limits()
    # Where nothing ran before, only the end is watched.
    replaced = any(step["kind"] != "start" for wave in waves for step in wave["steps"])
    return time.perf_counter() - began, limits.end + limits.wave * (len(waves) - 1) * replaced


def compose(made: Bench, release: str, *how: str) -> float:
    """The peer: the same file, by Docker's own tool alone."""
    file = made.state / "rollout" / "releases" / release / "compose.yaml"
    began = time.perf_counter()
    made.docker.run("compose", "--file", str(file), *how, "up", "--detach", "--wait", timeout=600)
    return time.perf_counter() - began


def bad_wave(made: Bench) -> float:
    """Seconds from the line that tells of the crash until the deploy has ended with everything back."""
    argv = (sys.executable, "-m", "dockwright", "deploy")
    noticed = 0.0
    with subprocess.Popen(
        argv, env=made.env(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr or ():
            if f"{VICTIM}: " in line and not noticed:
                noticed = time.perf_counter()
    if process.returncode != 1 or not noticed:
        raise SystemExit(f"the bad release was not taken back: exit code {process.returncode}")
    return time.perf_counter() - noticed


def fill(made: Bench) -> list[str]:
    """Put a small service in place of every one of mainpc that is not implemented and needs no card; their names."""
    fleet = load_fleet(made.root / "fleet")
    names = [
        name
        for name, row in fleet.services.items()
        if name not in fleet.implementations and "mainpc" in row.machines and row.family not in LEFT_OUT
        and not fleet.needs_gpu(name) and not fleet.carries_cuda(row.family)
    ]  # fmt: skip
    for name in names:
        shapes.put(made.root, name, *fleet.services[name].machines)
    made.run("lock", *names)
    return names


def slow_down(made: Bench, names: list[str]) -> None:
    """Have these small services start as slowly as one that loads a model."""
    for name in names:
        app = made.root / "fleet" / "services" / name / "probe" / "app.py"
        text = app.read_text().replace("    app = create_app(", f"    time.sleep({LOADS})\n    app = create_app(")
        app.write_text(text.replace("import sys\n", "import sys\nimport time\n"))


def from_nothing(made: Bench, release: str, rounds: int) -> dict[str, float]:
    nothing, peer, instances, watched = [], [], 0, 0.0
    for number in range(rounds):
        made.say(f"from nothing, round {number + 1} of {rounds}")
        seconds, watched = deploy(made)
        nothing.append(seconds)
        instances = sum(map(_is_instance, facts.containers(made.docker).values()))
        made.clear()
        peer.append(compose(made, release))
        made.clear()
    middle = statistics.median
    return {"instances": instances, "deploy": middle(nothing), "watched": watched, "compose": middle(peer)}


def planning(made: Bench, release: str, rounds: int) -> dict[str, float]:
    """What it takes to say that there is nothing to do, and what the peer takes for that."""
    ours, peer = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        made.run("deploy", "--dry-run")
        ours.append(time.perf_counter() - began)
        peer.append(compose(made, release, "--dry-run"))
    return {"plan": statistics.median(ours), "dry run": statistics.median(peer)}


def deciding(made: Bench) -> tuple[int, float]:
    """How many instances the fleet has when all is implemented, and the seconds of a plan in which each is replaced."""
    names = load_fleet(made.root / "fleet").services
    for name in names.keys() - load_fleet(made.root / "fleet").implementations.keys():
        shapes.put(made.root, name, *names[name].machines)
    fleet = load_fleet(made.root / "fleet")
    targets = {
        each: Target(each, each.machine, "new", f"sha256:{each.name}", "", "", fleet.services[each.service].port, 60)
        for each in fleet.instances()
    }
    seen = [Seen(each, each.machine, "sha256:old", "", "running") for each in targets]
    began = time.perf_counter()
    made_plan = plan(fleet, targets, seen, {})
    took = time.perf_counter() - began
    assert len(made_plan.steps) == len(targets)
    return len(targets), took


def changes(made: Bench, release: str, rounds: int) -> dict[str, float]:
    """A release that differs in one service, and one in which that service crashes, by turns."""
    deploy(made)
    planned = planning(made, release, rounds)
    app = made.root / APP
    whole = app.read_text()
    ones, backs = [], []
    for number in range(rounds):
        app.write_text(f"{whole}\n# {number}\n")
        made.release(f"one service, round {number + 1} of {rounds}")
        ones.append(deploy(made)[0])
        app.write_text(f'{whole}\nraise SystemExit("round {number}")\n')
        made.release(f"a bad wave, round {number + 1} of {rounds}")
        backs.append(bad_wave(made))
    app.write_text(whole)
    return planned | {"one service": statistics.median(ones), "bad wave": statistics.median(backs)}


def measured(made: Bench, what: str, rounds: int) -> dict[str, Any]:
    first = made.release(what)
    found = {"what": what, **from_nothing(made, first, rounds), **changes(made, first, rounds)}
    made.clear()
    return found


def _is_instance(found: facts.Container) -> bool:
    return found.labels.get("io.dockwright.role") == "instance"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slice", action="store_true", help="only what is implemented")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = []
    with bench(Progress(quiet=arguments.json)) as made:
        found.append(measured(made, "the slice", arguments.rounds))
        if not arguments.slice:
            names = fill(made)
            found.append(measured(made, "every service that needs no card", arguments.rounds))
            slow_down(made, names)
            found.append(measured(made, f"the same, {len(names)} of them with a start of {LOADS} s", arguments.rounds))
        instances, seconds = deciding(made)
    missed = [_missed(one) for one in found]
    if arguments.json:
        rounded = [{key: value if key == "what" else round(value, 2) for key, value in one.items()} for one in found]
        print(json.dumps({"fleets": rounded, "deciding": {"instances": instances, "seconds": seconds}}, indent=2))
    for one in found if not arguments.json else ():
        print(f"{one['what']}: {one['instances']:.0f} instances, median of {arguments.rounds}")
        times, goal = one["deploy"] / one["compose"], GOALS["from nothing"]
        less = (one["deploy"] - one["watched"]) / one["compose"]
        print(f"  from nothing  {one['deploy']:.1f} s, {one['watched']:.0f} s of it watching what is healthy")
        print(f"    docker compose up --wait {one['compose']:.1f} s: {times:.2f} times that (goal: {goal}); "
              f"{less:.2f} times without watching")  # fmt: skip
        print(f"  plan          {one['plan']:.2f} s; docker compose --dry-run up {one['dry run']:.2f} s")
        print(f"  one service   {one['one service']:.1f} s")
        print(f"  bad wave      {one['bad wave']:.1f} s until all is back (goal: {GOALS['bad wave']:.0f} s)")
    if not arguments.json:
        print(f"deciding alone, every one of {instances} instances to be replaced: {seconds * 1000:.0f} ms")
    return int(any(missed))


def _missed(one: dict[str, Any]) -> bool:
    return bool(one["deploy"] / one["compose"] > GOALS["from nothing"] or one["bad wave"] > GOALS["bad wave"])


if __name__ == "__main__":
    sys.exit(main())
