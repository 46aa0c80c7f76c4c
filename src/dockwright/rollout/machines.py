"""The hands of a deploy on real machines: compose for what runs, HTTP for how it does, a journal for what was done."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from dockwright.engine import command
from dockwright.engine.registry import place as registry
from dockwright.engine.state import dumps
from dockwright.errors import CommandFailed, DockwrightError, Unreachable
from dockwright.rollout import bodies, brought, drift, facts, healer
from dockwright.rollout.bring import absent, bring
from dockwright.rollout.compose import FILTER, container_name
from dockwright.rollout.healer import Healer
from dockwright.rollout.journal import Journal
from dockwright.rollout.kept import Kept
from dockwright.rollout.plan import Step
from dockwright.rollout.site import Site
from dockwright.rollout.start import Start, ages
from dockwright.rollout.target import Target
from dockwright.rollout.verdict import Answer
from dockwright.spec.model import Instance

Say = Callable[[str], None]
T = TypeVar("T")
# Of one processor: being asked for its health, by a deploy and a supervisor, costs an instance some of it, too.
BUSY_PERCENT = 10.0
EVIDENCE = 12
# Seconds that a machine has for an answer to a look: one that is out of reach must not stop the eyes on the others.
GLANCE = 10.0
# Compose starts so many seconds at most an instance, stopping the one before it included, and so many beside them.
EACH, BESIDE = 30.0, 60.0
# Somebody else is at the same container for a moment: the supervisor, or what a killed tool had begun.
CROSSED = re.compile(r"already in use|already in progress|No such container|marked for removal")
TRIES = 3


@dataclass
class Machines:
    """Implements `Hands`. `kept`: (machine, release) -> what was rendered; `deploy`: its number in the journal."""

    sites: Mapping[str, Site]
    kept: Mapping[tuple[str, str], Kept]
    token: str
    journal: Journal
    deploy: str
    tell: Say
    prepared: set[str] = field(default_factory=set)
    held: dict[str, set[str]] = field(default_factory=dict)
    starts: dict[Instance, Start] = field(default_factory=dict)
    given_up: threading.Event = field(default_factory=threading.Event)

    def pull(self, machine: str, targets: Sequence[Target]) -> None:
        site = self.sites[machine]
        named = {each.reference: each for each in targets}
        for reference in absent(site, named):
            target = named[reference]
            tagged = str(self.kept[target.host, target.release].rows()[target.instance]["image"])
            bring(site, reference, tagged, registry.named(None), self.tell)
        if machine not in self.prepared:
            site.write_secrets(self.token, targets[0].reference)
            self.prepared.add(machine)

    def put(self, machine: str, steps: Sequence[Step]) -> None:
        site = self.sites[machine]
        self._leave_alone(site, steps)
        self._begin(steps)
        gone = [step.instance for step in steps if step.target is None]
        removed = self._containers(site, gone) if gone else []
        if removed:
            site.docker.run("rm", "--force", *removed, timeout=300)
        rows: dict[Instance, Mapping[str, Any]] = {
            Instance(row["service"], row["machine"]): row for row in site.place.told()
        }
        for release in dict.fromkeys(step.target.release for step in steps if step.target):
            ours = [step.target for step in steps if step.target and step.target.release == release]
            kept = self.kept[machine, release]
            self._write_desired_first(site, kept, rows)
            _compose(site, kept, [name for target in ours for name in kept.services(target.instance)])
            rows |= {target.instance: kept.rows()[target.instance] for target in ours}
        for each in gone:
            rows.pop(each, None)
        self._settle(site, steps, rows)

    def look(self, machine: str, targets: Sequence[Target]) -> Mapping[Instance, Answer]:
        site = self.sites[machine]
        health = facts.ask_all({each.instance.name: (site.asked_at, each.health_port) for each in targets})
        seen = facts.containers(replace(site.docker, patience=GLANCE))
        return {
            each.instance: self._answer(site, each, seen.get(container_name(each.instance.service)), health)
            for each in targets
        }

    def evidence(self, instance: Instance, host: str) -> Sequence[str]:
        try:
            return self.sites[host].docker.logs(container_name(instance.service), EVIDENCE)
        except DockwrightError:
            return ()

    def state(self, instance: Instance, host: str) -> str:
        site, name = self.sites[host], container_name(instance.service)
        try:
            found = facts.containers(replace(site.docker, patience=GLANCE)).get(name)
        except DockwrightError as error:
            return f"unknown: {error}"
        if found is None:
            return "it has no container"
        image = facts.digest(found)
        release = next(
            (one.release for (machine, _), one in self.kept.items()
             if machine == host and instance in one.targets and one.targets[instance].image == image), image[:19],
        )  # fmt: skip
        if found.state != "running":
            return f"its container of {release} is {found.state}, exit code {found.exit_code}"
        port = next(one.targets[instance].health_port for one in self.kept.values() if instance in one.targets)
        told = facts.ask(site.asked_at, port)
        return f"runs {release}, {'healthy' if told.ok else told.reason}"

    def note(self, event: str, **said: object) -> None:
        self.journal.note(self.deploy, event, **said)

    def say(self, text: str) -> None:
        self.tell(text)

    def clock(self) -> float:
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        if self.given_up.wait(seconds):
            raise KeyboardInterrupt

    def side_by_side(self, tasks: Sequence[Callable[[], T]]) -> Sequence[T]:
        """Ctrl-C ends what the others run, too, and is passed on when they have ended."""
        if len(tasks) == 1:
            return [tasks[0]()]
        with ThreadPoolExecutor(max(1, len(tasks))) as pool:
            begun = [pool.submit(task) for task in tasks]
            try:
                return [each.result() for each in begun]
            except BaseException:
                self.given_up.set()
                command.end_running()
                raise

    def lift(self) -> None:
        """Let the supervisors heal again what they were asked to leave alone."""
        for machine, services in self.held.items():
            found = self._healer(self.sites[machine])
            if found:
                found.lift(sorted(services))

    def _leave_alone(self, site: Site, steps: Sequence[Step]) -> None:
        names = {step.instance.service for step in steps}
        self.held.setdefault(site.machine, set()).update(names)
        found = self._healer(site)
        if found:
            found.hold(sorted(names), "it is being rolled out")

    def _healer(self, site: Site) -> Healer | None:
        port = next((int(row["port"]) for row in site.place.told() if row["service"] == healer.SERVICE), None)
        return Healer(site.asked_at, port, self.token) if port else None

    def _begin(self, steps: Sequence[Step]) -> None:
        now = time.monotonic()
        for step in steps:
            if step.target is None:
                continue
            away = now if step.before is not None and step.before.running else None
            self.starts[step.instance] = Start(now, away)

    def _containers(self, site: Site, gone: Sequence[Instance]) -> list[str]:
        seen = facts.containers(site.docker)
        # A container of this name may be another machine's instance by now.
        owners = {name: each.labels.get("io.dockwright.machine") for name, each in seen.items()}
        names = [name for each in gone if owners.get(name := container_name(each.service)) == each.machine]
        # The filter is there for one of them; without it, it has nobody to let through.
        filtered = [f"dockwright-{FILTER}"] if any("supervisor" in name for name in names) else []
        return [name for name in (*names, *filtered) if name in seen]

    def _write_desired_first(self, site: Site, kept: Kept, rows: Mapping[Instance, Mapping[str, Any]]) -> None:
        """Whoever reads what is desired finds the file when it starts, whatever comes of this wave."""
        if site.place.read_desired() is None:
            self._write_desired(site, kept, rows.values())
            site.write_run_files(site.place.desired.read_text(), {}, self._any_image(kept))

    def _write_desired(self, site: Site, kept: Kept, rows: Any) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        site.place.write_desired({**kept.desired, "written_at": now, "instances": list(rows)})

    def _any_image(self, kept: Kept) -> str:
        return next(iter(kept.targets.values())).reference

    def _settle(self, site: Site, steps: Sequence[Step], rows: Mapping[Instance, Mapping[str, Any]]) -> None:
        """Write down what runs now: what is desired, and which containers may be made again."""
        seen = facts.containers(site.docker)
        self._started({step.instance: seen.get(container_name(step.instance.service)) for step in steps if step.target})
        release = next((step.target.release for step in steps if step.target), None)
        images = {name: facts.digest(found) for name, found in seen.items()}
        known = [one for (machine, _), one in self.kept.items() if machine == site.machine]
        # Where something is only removed, it is for the release that is rolled out: the last of those that are known.
        kept = self.kept[site.machine, release] if release else known[-1]
        self._write_desired(site, kept, brought.as_run(rows, images, known))
        instances = {
            name: bodies.body(dict(found.inspected))
            for name, found in seen.items()
            if found.labels.get("io.dockwright.role") == "instance"
        }
        site.place.write_bodies(instances)
        texts = {name: dumps(body) for name, body in instances.items()}
        site.write_run_files(site.place.desired.read_text(), texts, self._any_image(kept))

    def _started(self, seen: Mapping[Instance, facts.Container | None]) -> None:
        """Note which containers came of starts that are over now, and when each began."""
        found = {each: one for each, one in seen.items() if one}
        now, old = time.monotonic(), ages({each: one.since for each, one in found.items()})
        for each, one in found.items():
            start = self.starts[each]
            start.at, start.container, start.since = now - old.get(each, 0.0), str(one.inspected["Id"]), one.since

    def _answer(
        self, site: Site, target: Target, found: facts.Container | None, health: Mapping[str, facts.Health]
    ) -> Answer:
        start = self.starts.setdefault(target.instance, Start(time.monotonic(), None))
        age = time.monotonic() - start.at
        if found is None:
            return Answer(age, alive=False, ok=False, work=0, reason="its container is gone")
        told = health[target.instance.name]
        if found.state != "running":
            why = f"its container is {found.state}, exit code {found.exit_code}"
            return Answer(age, alive=False, ok=False, work=0, reason=why)
        if start.container and (found.inspected["Id"], found.since) != (start.container, start.since):
            return Answer(age, alive=False, ok=False, work=0, reason="it ended, and was started again")
        if not told.ok and age > target.start_seconds:
            _measure(site, found.name, start, told.reason)
        after = drift.healthy_after(found.inspected) if told.ok else None
        return Answer(age, alive=True, ok=told.ok, work=start.work, reason=told.reason, ok_after=after)


def _measure(site: Site, container: str, start: Start, reason: str) -> None:
    """Whether an instance that is late gets somewhere: it computes, it writes, or it says something new."""
    line = site.docker.run("stats", "--no-stream", "--format", "{{.CPUPerc}}", container, check=False)
    logged = hashlib.sha256("\n".join(site.docker.logs(container, 5)).encode()).hexdigest()
    try:
        busy = float(line.strip().rstrip("%") or 0) >= BUSY_PERCENT
    except ValueError:
        busy = False
    if busy or logged != start.logged or reason != start.reason:
        start.work += 1
    start.logged, start.reason = logged, reason


def _compose(site: Site, kept: Kept, services: Sequence[str]) -> None:
    words = ("compose", "--file", str(kept.compose), "--progress", "plain", "up", "--detach", "--no-deps")
    names = list(dict.fromkeys(services))
    for more in reversed(range(TRIES)):
        lines: list[str] = []
        try:
            site.docker.stream(*words, *names, on_line=lines.append, timeout=BESIDE + EACH * len(names))
            return
        except CommandFailed as error:
            output = "\n".join(lines[-15:])
            if site.docker.is_gone(output):
                raise Unreachable(f"its engine at {site.docker.host} does not answer") from error
            if not (more and CROSSED.search(output)):
                raise CommandFailed(f"docker compose could not start {', '.join(names)}", "", output) from error
        time.sleep(1)
