"""`dockwright deploy` as a story: reach the machines, render the release, plan, carry it out, remember."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dockwright.engine.state import dumps, read_json, state_dir, write_atomically
from dockwright.errors import Unreachable, UsageError
from dockwright.release import health
from dockwright.release.record import Record
from dockwright.release.shelf import Shelf
from dockwright.rollout import brought, claim, facts, healer, journal, kept, learned
from dockwright.rollout.compose import CONFIG_LABEL, FILTER
from dockwright.rollout.deploy import Outcome, confirm, deploy
from dockwright.rollout.following import login
from dockwright.rollout.hold import Limits
from dockwright.rollout.kept import Kept
from dockwright.rollout.learned import Starts
from dockwright.rollout.machines import Machines
from dockwright.rollout.place import here
from dockwright.rollout.plan import Plan, plan
from dockwright.rollout.render import Rendered, render
from dockwright.rollout.site import Aside, Site, aside, reach
from dockwright.rollout.status import SILENT, filter_problem
from dockwright.rollout.target import MISSING, UNFILTERED, Seen, Target
from dockwright.rollout.verdict import Verdict
from dockwright.rollout.way_back import WayBack, way_back
from dockwright.spec.address import Address
from dockwright.spec.model import Fleet, Instance

Say = Callable[[str], None]


@dataclass(frozen=True)
class Prepared:
    """Everything that is known before anything is changed."""

    record: Record
    sites: Mapping[str, Site]
    aside: Mapping[str, Aside]
    kept: Mapping[tuple[str, str], Kept]
    plan: Plan
    unproven: tuple[Target, ...]
    back: WayBack
    left_out: tuple[Mapping[str, str], ...]
    starts: Mapping[str, Starts]


@dataclass(frozen=True)
class Reach:
    """The machines of a deploy, and those that it leaves alone."""

    sites: Mapping[str, Site]
    aside: Mapping[str, Aside]


def sites(fleet: Fleet, addresses: Mapping[str, Address], only: Collection[str] = ()) -> Reach:
    """Every machine that has an address, or `only` some of them.

    Raises UsageError for one without, EngineUnavailable where one is silent.
    """
    if not addresses:
        raise UsageError("no machine has an address", "say in fleet/machines.toml where each is reached")
    known = {name: addresses[name] for name in fleet.machines if name in addresses}
    for name in only:
        if name not in known:
            raise UsageError(f"no machine {name!r} has an address", f"{', '.join(known)} can be named")
    chosen = {name: address for name, address in known.items() if not only or name in only}
    found = {name: _reached(fleet, name, address, [one for one in chosen if one != name])
             for name, address in chosen.items()}  # fmt: skip
    return Reach(found, {name: aside(name, address) for name, address in known.items() if name not in chosen})


def _reached(fleet: Fleet, name: str, address: Address, others: Sequence[str]) -> Site:
    try:
        return reach(name, address, login(fleet, address))
    except Unreachable as error:
        if others:
            on = " ".join(f"--on {other}" for other in others)
            error.remedy = "; or leave it alone: ".join(filter(None, (error.remedy, on)))
        raise


def prepare(
    fleet: Fleet,
    record: Record,
    reach: Reach,
    shelf: Shelf,
    pins: Mapping[str, str],
    say: Say,
    *,
    as_kept: bool = False,
) -> Prepared:
    """Render a release for the machines, look at what runs, and plan. Changes nothing on any machine.

    `as_kept`: start what was rendered for it when it was deployed, where that is still there.
    """
    reached = reach.sites
    rendered = _kept(record, reached) if as_kept and not pins else None
    rendered = rendered or render(fleet, record, reached, reach.aside, pins, say)
    found = {(machine, record.name): one for machine, one in rendered.kept.items()}
    wanted = {each: target for one in rendered.kept.values() for each, target in one.targets.items()}
    running = seen(reached)
    back = way_back(reached, shelf, record, running)
    more = {(machine, one.release): one for machine, one in back.kept.items()}
    starts = read_starts()
    downtimes = {each: away for each in wanted if (away := starts.get(each.name, Starts()).downtime) is not None}
    made = plan(fleet, wanted, running, downtimes)
    begun = journal.here().unproven()
    unproven = tuple(wanted[each] for each in made.kept if each.name in begun)
    return Prepared(record, reached, reach.aside, {**more, **found}, made, unproven, back, rendered.left_out, starts)


def _kept(record: Record, reached: Mapping[str, Site]) -> Rendered | None:
    """What was rendered of a release for exactly these machines; None where something is missing."""
    found = {machine: brought.of(site.place, machine, record.name) for machine, site in reached.items()}
    whole = {machine: one.called(record.name) for machine, one in found.items() if one is not None}
    return Rendered(whole, ()) if len(whole) == len(reached) else None


def carry_out(prepared: Prepared, verb: str, why: str, limits: Limits, say: Say) -> Outcome:
    """Carry a plan out on machines that nobody else changes meanwhile, and remember how it went."""
    book = journal.here()
    with _alone(prepared.sites, f"{verb} {prepared.record.name}{f' ({why})' if why else ''}"):
        said = {"back_to": prepared.back.names, "machines": list(prepared.sites)}
        number = book.begin(verb, prepared.record.name, why, said)
        token = here().token
        here().prepare()
        hands = Machines(prepared.sites, prepared.kept, token.read_text().strip() + "\n", book, number, say)
        try:
            outcome = _act(prepared, hands, limits)
        finally:
            hands.lift()
        _remember(prepared, outcome, hands)
    return outcome


def _act(prepared: Prepared, hands: Machines, limits: Limits) -> Outcome:
    if not prepared.plan.empty:
        back = prepared.back.targets
        return deploy(prepared.plan, back, deadlines(prepared), hands, limits, prepared.unproven)
    names = {(machine, prepared.record.name) for machine in prepared.sites}
    targets = [each for name, one in prepared.kept.items() if name in names for each in one.targets.values()]
    return confirm(targets, {each.instance: float(each.start_seconds) for each in targets}, hands, limits)


@contextmanager
def _alone(reached: Mapping[str, Site], why: str) -> Iterator[None]:
    """This host's own lock, then every machine's, in the same order everywhere."""
    with ExitStack() as stack:
        stack.enter_context(here().alone())
        for name in sorted(reached):
            stack.enter_context(claim.claimed(name, reached[name].docker, why))
        yield


def seen(reached: Mapping[str, Site]) -> list[Seen]:
    """Every instance that has a container on any machine, or that a machine is told to run."""
    found: list[Seen] = []
    for machine, site in reached.items():
        told = {Instance(row["service"], row["machine"]) for row in site.place.told()}
        containers = facts.containers(site.docker)
        blind = filter_problem(containers.get(f"dockwright-{FILTER}")) not in ("", SILENT)
        for container in containers.values():
            labels = container.labels
            if labels.get("io.dockwright.role") != "instance":
                continue
            instance = Instance(labels["io.dockwright.service"], labels["io.dockwright.machine"])
            image = facts.digest(container)
            state = UNFILTERED if blind and instance.service == healer.SERVICE else container.state
            found.append(Seen(instance, machine, image, labels.get(CONFIG_LABEL, ""), state))
            told.discard(instance)
        found += [Seen(each, machine, "", "", MISSING) for each in sorted(told)]
    return found


def deadlines(prepared: Prepared) -> dict[Instance, float]:
    """How long each start may take: what was learned of it, else what is declared."""
    every = {**prepared.back.targets, **{each.instance: each for each in prepared.unproven}}
    every |= {step.instance: step.target for step in prepared.plan.steps if step.target}
    return {
        each: prepared.starts.get(each.name, Starts()).deadline(float(target.start_seconds))
        for each, target in every.items()
    }


def _starts_file() -> Any:
    return state_dir() / "rollout" / "starts.json"


def read_starts() -> dict[str, Starts]:
    """What earlier starts taught."""
    return learned.read(read_json(_starts_file()))


def _remember(prepared: Prepared, outcome: Outcome, hands: Machines) -> None:
    """Learn from the starts, and note what is healthy as what it is."""
    starts = read_starts()
    for instance, course in outcome.courses.items():
        if course.verdict is Verdict.HEALTHY and course.first_ok is not None and instance in hands.starts:
            begun = hands.starts[instance]
            away = begun.away(course.first_ok)
            starts[instance.name] = starts.get(instance.name, Starts()).with_start(course.first_ok, away)
    write_atomically(_starts_file(), dumps(learned.content(starts)))
    new = {machine: prepared.kept.get((machine, prepared.record.name)) for machine in prepared.sites}
    running: Mapping[str, Kept | None] = {"done": new, "taken back": prepared.back.kept}.get(outcome.end, {})
    for machine, site in prepared.sites.items():
        one = running.get(machine)
        if one is None or one.release == kept.UP:
            continue
        site.place.home.mkdir(parents=True, exist_ok=True)
        write_atomically(site.place.compose, one.compose.read_text())
        site.place.write_bind(site.bind)


def note_healthy(prepared: Prepared, shelf: Shelf) -> None:
    """Note that the release is healthy on every machine. Raises DockwrightError where the shelf is held."""
    for machine in prepared.sites:
        one = prepared.kept.get((machine, prepared.record.name))
        if one:
            running = {each.name: target.image for each, target in one.targets.items()}
            health.note(shelf, machine, running, datetime.now(UTC))
