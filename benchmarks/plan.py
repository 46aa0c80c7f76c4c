"""What it costs to plan, and to build only what changed, beside `docker buildx bake` of the same definition.

Usage: .venv/bin/python benchmarks/plan.py [--quick] [--json]      (as root: it starts an engine of its own)

A fleet of 66 instances on three families is generated and committed, with images of a few megabytes that need no
network; --quick takes 12 instances. Then, on an empty engine in a temporary folder:

  cold                  everything is built                bake: the whole definition, on the same engine, emptied
  nothing changed       `build`, and `plan` by itself      bake: the whole definition; goal: 20 times faster
  one service changed   `build` of the fleet               alone: bake of that image only; goal: 1.2 times that at most
  one family changed    `build` of the fleet               bake: the whole definition

Ours is the command line from start to end, interpreter and all; bake gets a definition that is ready. Last come the
time that input digests take as a fleet grows, and the bytes that the generated images share.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from build import tiny  # noqa: E402 - the generated checkout of the tests
from own_engine import own_engine  # noqa: E402

from dockwright.build import bases, layers, loading, make, plan, sharing, staging, store, tags  # noqa: E402
from dockwright.build.images import Image, plan_images  # noqa: E402
from dockwright.build.origin import read_origin  # noqa: E402
from dockwright.cli.progress import Progress, megabytes  # noqa: E402
from dockwright.engine.docker import Docker  # noqa: E402
from dockwright.spec.load import load_fleet  # noqa: E402

GOALS = {"nothing changed": 20.0, "one service changed": 1.2, "plan": 1.0}
GROWTH = (66, 660, 3000)


@dataclass(frozen=True)
class Bench:
    """The generated checkout, and the engine that all is measured on."""

    checkout: tiny.Checkout
    docker: Docker
    say: Progress

    def ours(self, *words: str) -> float:
        """Seconds of a command line of the tool."""
        env = {**os.environ, "PYTHONPATH": str(self.checkout.root / "src"), "DOCKER_HOST": self.docker.host}
        began = time.perf_counter()
        done = subprocess.run((sys.executable, "-m", "dockwright", *words), env=env, capture_output=True, check=False)
        took = time.perf_counter() - began
        if done.returncode:
            raise SystemExit(done.stderr.decode())
        return took

    def images(self) -> dict[str, Image]:
        fleet = load_fleet(self.checkout.root / "fleet")
        known = bases.expected(fleet, self.checkout.root, fleet.families)
        return plan_images(fleet, [], fleet.instances(), self.checkout.root, known)

    def bake(self, images: Mapping[str, Image]) -> float:
        """Seconds of bake for some images; what they stand on beside each other is there."""
        root = self.checkout.root
        fleet, origin = load_fleet(root / "fleet"), read_origin(root)
        present = {name: tags.by_input(image) for name, image in self.images().items()}
        made = tiny.roots(self.checkout).items()
        roots = {name: loading.reference(self.docker, name, layout) for name, layout in made}
        with tempfile.TemporaryDirectory() as work:
            packages = bases.expected_packages(fleet, root, fleet.families, locked=True)
            sources = staging.Sources(fleet, root, Path(work), origin, roots, packages)
            wanted = staging.definition(sources, images, present)
            began = time.perf_counter()
            make.run_bake(self.docker, wanted, images, lambda _: None)
            return time.perf_counter() - began

    def empty(self) -> None:
        """An engine as it was: no images, no build cache."""
        names = {reference for one in store.every(self.docker) for reference in one.references}
        self.docker.run("image", "rm", "--force", *sorted(names))
        self.docker.run("buildx", "prune", "--all", "--force")

    def edit(self, path: Path) -> None:
        path.write_text(f"{path.read_text()}{time.time_ns()}\n")

    def missing(self) -> dict[str, Image]:
        return plan.on(self.docker, self.images(), read_origin(self.checkout.root)).missing


@contextmanager
def bench(services: int, say: Progress) -> Iterator[Bench]:
    """A new checkout, state and engine below a folder that is removed afterwards."""
    with own_engine(say) as (docker, folder):
        checkout = tiny.checkout(folder / "checkout", services, size=50_000)
        tiny.roots(checkout)
        yield Bench(checkout, docker, say)


def middle(measure: Callable[[], float], rounds: int) -> float:
    return statistics.median(measure() for _ in range(rounds))


def compared(it: Bench, rounds: int) -> dict[str, dict[str, float]]:
    """Situation -> what was measured, in seconds."""
    found: dict[str, dict[str, float]] = {}
    it.say("cold, bake")
    whole = it.images()
    cold = it.bake(whole)
    it.empty()
    it.say("cold, ours")
    found["cold"] = {"ours": it.ours("build"), "bake": cold}
    it.say("nothing changed")
    unchanged = {"ours": middle(lambda: it.ours("build"), rounds), "plan": middle(lambda: it.ours("plan"), rounds)}
    found["nothing changed"] = unchanged | {"bake": middle(lambda: it.bake(it.images()), rounds)}
    for what, path in (
        ("one service changed", it.checkout.service(1) / "content"),
        ("one family changed", it.checkout.family("left") / "content"),
    ):
        it.say(what)
        found[what] = {key: middle(partial(_edited, it, path, key), rounds) for key in ("ours", "alone", "bake")}
    return found


def _edited(it: Bench, path: Path, how: str) -> float:
    """Edit a file, then build what that changes, in one of three ways; each time it is another edit."""
    it.edit(path)
    if how == "ours":
        return it.ours("build")
    return it.bake(it.missing() if how == "alone" else it.images())


def growth() -> list[dict[str, float]]:
    """Seconds for the digests of all images of a fleet, as it grows."""
    found = []
    for size in GROWTH:
        with tempfile.TemporaryDirectory() as folder:
            checkout = tiny.checkout(Path(folder), size - 1)
            fleet = load_fleet(checkout.root / "fleet")
            began = time.perf_counter()
            known = bases.expected(fleet, checkout.root, fleet.families)
            images = plan_images(fleet, [], fleet.instances(), checkout.root, known)
            plan.decide(images, {}, read_origin(checkout.root))
            seconds = time.perf_counter() - began
        found.append({"instances": size, "seconds": seconds, "us_each": seconds / size * 1e6})
    return found


def shared(it: Bench) -> sharing.Totals:
    """The bytes of all instances: added up, and as they are stored."""
    images = it.images()
    have = store.find(it.docker, images.values())
    stored = {name: have[image.input_digest] for name, image in images.items() if image.instance}
    by_reference = layers.diff_ids(it.docker, [one.reference for one in stored.values()])
    measured = layers.measure(it.docker, by_reference)
    return sharing.Measured({name: by_reference[one.reference] for name, one in stored.items()}, measured).totals(
        stored
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="12 instances, one round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    services, rounds = (11, 1) if arguments.quick else (65, arguments.rounds)
    with bench(services, Progress(quiet=arguments.json)) as it:
        seconds = compared(it, rounds)
        totals = shared(it)
    grown = growth()
    ratios = {
        "nothing changed": seconds["nothing changed"]["bake"] / seconds["nothing changed"]["ours"],
        "one service changed": seconds["one service changed"]["ours"] / seconds["one service changed"]["alone"],
        "plan": seconds["nothing changed"]["plan"],
    }
    if arguments.json:
        sizes = {"added_up": totals.images.unpacked, "stored": totals.stored.unpacked}
        told = {"instances": services + 1, "seconds": seconds, "ratios": ratios, "growth": grown, "unpacked": sizes}
        print(json.dumps(told, indent=2))
    else:
        show(services + 1, seconds, ratios, grown, totals)
    good = ratios["nothing changed"] >= GOALS["nothing changed"]
    good = good and all(ratios[name] <= GOALS[name] for name in ("one service changed", "plan"))
    return int(not good)


def show(
    instances: int,
    seconds: Mapping[str, Mapping[str, float]],
    ratios: Mapping[str, float],
    grown: list[dict[str, float]],
    totals: sharing.Totals,
) -> None:
    for what, took in seconds.items():
        print(f"{what:<20} " + "  ".join(f"{key} {value:7.2f} s" for key, value in took.items()))
    print(f"\nnothing changed      {ratios['nothing changed']:.1f} times faster than bake (goal: 20)")
    print(f"one service changed  {ratios['one service changed']:.2f} times that image alone (goal: 1.2 at most)")
    print(f"plan                 {ratios['plan']:.2f} s for {instances} instances, start included (goal: 1.0)\n")
    for row in grown:
        against = row["us_each"] / grown[0]["us_each"]
        each = f"{row['us_each']:.0f} µs each, {against:.2f} x"
        print(f"{row['instances']:>5.0f} instances: digests in {row['seconds']:.3f} s, {each}")
    sizes = (megabytes(size.unpacked) for size in (totals.images, totals.stored))
    print("\n{} images unpacked: {} added up, {} stored".format(instances, *sizes))


if __name__ == "__main__":
    sys.exit(main())
