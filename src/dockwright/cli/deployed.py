"""A deploy's plan, end and history as people and programs read them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date

from dockwright.cli import shown, table
from dockwright.release.shelf import Shelf
from dockwright.rollout import deploying, journal, pins
from dockwright.rollout.deploy import Outcome
from dockwright.rollout.deploying import Prepared
from dockwright.rollout.logs import brief
from dockwright.rollout.plan import Step


def show_plan(prepared: Prepared, *, as_json: bool) -> None:
    """What a deploy would do, wave by wave, with its reasons; and what it leaves alone."""
    if as_json:
        print(json.dumps(plan_json(prepared), indent=2))
        return
    made = prepared.plan
    stays = f"; {', '.join(prepared.aside)} is left alone" if prepared.aside else ""
    print(f"release {prepared.record.name} for {', '.join(prepared.sites)}{stays}")
    rows = [
        (str(wave.number), wave.phase, step.instance.name, step.kind, _away(step), step.why)
        for wave in made.waves
        for step in wave.steps
    ]
    if rows:
        table.show(("WAVE", "PHASE", "INSTANCE", "WHAT", "AWAY", "WHY"), rows)
    for line in _beside(prepared):
        print(line)


def _beside(prepared: Prepared) -> Iterator[str]:
    made = prepared.plan
    yield from shown.pinned(pins.read().values(), date.today())
    yield from made.notes
    if made.empty:
        yield f"nothing to do: all {len(made.kept)} instances run as the release says"
    elif made.kept:
        yield f"{len(made.kept)} unchanged and left alone: {', '.join(each.name for each in made.kept)}"
    if prepared.unproven:
        names = [each.instance.name for each in prepared.unproven]
        was, is_ = ("was", "is") if len(names) == 1 else ("were", "are")
        begun = f"{was} begun by a deploy that was cut off, and {is_} judged with the rest"
        yield f"{len(names)} {begun}: {', '.join(names)}"
    why: dict[str, list[str]] = {}
    for entry in prepared.left_out:
        why.setdefault(entry["why"], []).append(entry["instance"])
    for reason, names in sorted(why.items(), key=lambda one: -len(one[1])):
        yield f"{len(names)} left out, {reason}{': ' + ', '.join(names) if len(names) <= 5 else ''}"
    if made.fresh and len(made.waves) > 1:
        yield "nothing that runs is touched: a wave waits only for whom it needs, and all are judged in the end"
    if not made.empty:
        back = str(prepared.back) or "nothing: no release was healthy yet"
        yield f"if a wave fails, everything goes back to {back}"


def _away(step: Step) -> str:
    if step.kind != "replace":
        return "-"
    return f"{step.downtime:.0f} s" if step.downtime is not None else "unknown"


def plan_json(prepared: Prepared) -> dict[str, object]:
    """The shape that `deploy --dry-run --json` prints."""
    made = prepared.plan
    return {
        "release": prepared.record.name,
        "machines": list(prepared.sites),
        "back_to": prepared.back.names,
        "waves": [
            {
                "number": wave.number,
                "phase": wave.phase,
                "steps": [
                    {
                        "instance": step.instance.name,
                        "on": step.host,
                        "kind": step.kind,
                        "why": step.why,
                        "downtime_seconds": step.downtime,
                    }
                    for step in wave.steps
                ],
            }
            for wave in made.waves
        ],
        "kept": [each.name for each in made.kept],
        "unproven": [each.instance.name for each in prepared.unproven],
        "left_out": [dict(entry) for entry in prepared.left_out],
        "notes": list(made.notes),
    }


def show_outcome(prepared: Prepared, outcome: Outcome, shelf: Shelf, *, as_json: bool) -> int:
    """How a deploy ended; returns the exit code. A release that held is noted as healthy."""
    if outcome.end == "done":
        deploying.note_healthy(prepared, shelf)
    if as_json:
        print(json.dumps({**plan_json(prepared), **_outcome_json(outcome)}, indent=2))
        return 0 if outcome.end == "done" else 1
    if outcome.end == "done":
        print(f"\nrelease {prepared.record.name} is healthy on {' and '.join(prepared.sites)}")
        return 0
    print()
    for failure in outcome.failures:
        print(failure.why)
        print("".join(f"  | {line}\n" for line in brief(failure.logs)), end="")
        if failure.remedy:
            print(f"  -> {failure.remedy}")
    if outcome.end == "taken back":
        count = len(outcome.touched)
        back = f"went back to {prepared.back}" if prepared.back.kept else "went away again"
        print(f"release {prepared.record.name} was taken back: {count} instances {back}" if count else
              f"release {prepared.record.name} was not begun: nothing was changed")  # fmt: skip
        return 1
    failed = "failed, and taking it back failed as well. These are not as before:"
    print(f"release {prepared.record.name} {failed if outcome.touched else 'is there, but not all of it is healthy:'}")
    for instance, why in outcome.left.items():
        print(f"  {instance.name}: {why}\n    now: {outcome.now.get(instance, 'unknown')}")
    print("  -> mend what is named, then ./dockwright rollback, or ./dockwright deploy --continue")
    return 1


def _outcome_json(outcome: Outcome) -> dict[str, object]:
    return {
        "end": outcome.end,
        "touched": [each.name for each in outcome.touched],
        "failures": [
            {"machine": one.machine, "instance": one.instance.name if one.instance else None, "why": one.why,
             "logs": list(one.logs), "remedy": one.remedy}
            for one in outcome.failures
        ],
        "left": {each.name: why for each, why in outcome.left.items()},
        "now": {each.name: state for each, state in outcome.now.items()},
        "start_seconds": {
            each.name: round(course.first_ok, 1)
            for each, course in outcome.courses.items()
            if course.first_ok is not None
        },
    }  # fmt: skip


def _machines(entry: Mapping[str, object]) -> str:
    named = entry.get("machines")
    return ", ".join(map(str, named)) if isinstance(named, list) else ""


def history(*, as_json: bool) -> int:
    """Every deploy from this host, the newest last."""
    found: dict[str, dict[str, object]] = {}
    for entry in journal.here().entries():
        if entry["event"] == "begin":
            found[entry["deploy"]] = {**entry, "end": "cut off"}
        elif entry["deploy"] in found and entry["event"] in journal.ENDS:
            found[entry["deploy"]] |= {"end": entry["event"], "ended_at": entry["at"]}
    if as_json:
        print(json.dumps(list(found.values()), indent=2))
        return 0
    rows = [
        (str(one["at"]), str(one.get("who", "")), str(one.get("verb", "")), str(one["release"]), _machines(one),
         str(one["end"]), str(one.get("why", "")))
        for one in found.values()
    ]  # fmt: skip
    if rows:
        table.show(("AT", "WHO", "WHAT", "RELEASE", "ON", "END", "WHY"), rows)
    else:
        print("nothing was deployed from this host yet")
    return 0
