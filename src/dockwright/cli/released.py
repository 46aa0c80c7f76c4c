"""Releases as people and programs read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dockwright.cli.sized import amount
from dockwright.release.diff import Changed, Difference, InstanceChange
from dockwright.release.health import Health
from dockwright.release.record import Record
from dockwright.release.standing import Standing

COLUMNS = ("RELEASE", "MADE (UTC)", "INSTANCES", "HEALTHY", "NOTE")
NAMES = 8


def row(record: Record, health: Health) -> tuple[str, ...]:
    """One line of `release list`."""
    times = health.seen.get(record.name, {})
    told = ", ".join(f"{machine} {_minute(time)}" for machine, time in sorted(times.items())) or "-"
    note = record.note if len(record.note) <= 60 else f"{record.note[:59]}…"
    return (record.name, _minute(record.created), str(len(record.contents.instances)), told, note or "-")


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


def summary(record: Record, health: Health) -> dict[str, Any]:
    """The shape of one release in `release list --json`."""
    return {
        "name": record.name,
        "created": record.created,
        "note": record.note,
        "digest": record.digest,
        "git_sha": record.contents.git_sha,
        "instances": len(record.contents.instances),
        "healthy": dict(health.seen.get(record.name, {})),
    }


def shown(record: Record, health: Health) -> Iterator[str]:
    """What `release show` prints around its table."""
    contents = record.contents
    yield f"{record.name}, made {_minute(record.created)} from commit {contents.git_sha[:12]}"
    if record.note:
        yield f"  {record.note}"
    times = health.seen.get(record.name, {})
    yield "  " + ("; ".join(f"healthy on {m} at {_minute(t)}" for m, t in sorted(times.items())) or "not seen healthy")
    open_ = sum(ticket.status == "open" for ticket in contents.tickets.values())
    told = f"{len(contents.tickets)} tickets in force" + (f", {open_} of them open" if open_ else "")
    yield f"  {told}; {len(contents.locks)} locks; roots: {', '.join(contents.roots)}"
    yield f"  contents {record.digest}"
    for name, why in contents.left_out.items():
        yield f"  without {name}: {why}"
    yield ""


def pictures(record: Record, found: Sequence[Standing] | None) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Columns and rows of `release show`: every image; with `found`, where it is."""
    columns = ("IMAGE", "TAG", "DIGEST", "UNPACKED", *(("WHERE",) if found is not None else ()))
    where = {one.name: _where(one) for one in found or ()}
    rows = []
    for name, picture in record.contents.pictures():
        size = amount(record.sizes[name]) if name in record.sizes else "-"
        last = () if found is None else (where[name],)
        rows.append((name, picture.tag, picture.digest.removeprefix("sha256:")[:12], size, *last))
    return columns, rows


def _where(one: Standing) -> str:
    places = [*(["here"] if one.here else []), *(["registry"] if one.there else [])]
    return ", ".join(places) or "gone"


def difference(found: Difference) -> Iterator[str]:
    """What `release diff` prints."""
    yield f"{found.before} -> {found.after}"
    commits = [sha[:12] for sha in found.commits]
    yield f"commit: {' -> '.join(dict.fromkeys(commits))}{'' if commits[0] != commits[1] else ' (the same)'}"
    if found.empty:
        yield "nothing else differs"
        return
    yield from _group("instances", [_instance(change) for change in found.instances])
    listed = [f"{package} in {_names(names)}" for package, names in found.packages().items()]
    yield from _group("packages", listed)
    for title in ("families", "roots"):
        yield from _group(title, [f"{one.name} {one.way}" for one in getattr(found, title)])
    for title in ("profiles", "tickets"):
        yield from _group(title, [_values(one) for one in getattr(found, title)])
    yield from _group("locks", [f"{one.name} {one.way}" for one in found.locks])
    yield from _group("left out", [_values(one) for one in found.left_out])


def _group(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield f"{title} ({len(lines)})"
        yield from (f"  {line}" for line in lines)


def _instance(change: InstanceChange) -> str:
    if change.way != "changed":
        return f"{change.name} {change.way} ({amount(change.size_after or change.size_before)})"
    if change.same_inputs:
        return f"{change.name} built again from equal inputs"
    count = len(change.packages)
    what = f"{count} {'package' if count == 1 else 'packages'}" if count else "no package"
    return f"{change.name} changed: {what}, {_grown(change.size_after - change.size_before)}"


def _grown(size: int) -> str:
    return "as large as before" if not size else f"{amount(abs(size))} {'larger' if size > 0 else 'smaller'}"


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= NAMES else f"{', '.join(names[:NAMES])} and {len(names) - NAMES} more"


def _values(one: Changed) -> str:
    if one.before is None:
        return f"{one.name} added: {one.after}"
    return f"{one.name} gone: {one.before}" if one.after is None else f"{one.name}: {one.before} -> {one.after}"
