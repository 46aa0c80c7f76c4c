"""Locks as people and programs read them: sizes, what changed, what does not fit, who wants what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict

from dockwright.cli import table
from dockwright.cli.progress import megabytes
from dockwright.lock.explain import Wanted
from dockwright.lock.inventory import Inventory
from dockwright.lock.run import Report
from dockwright.lock.sizes import Size
from dockwright.spec.finding import Finding

COLUMNS = ("IMAGE", "OWN LAYERS", "WHOLE", "BUDGET", "SIZE NOT KNOWN YET")


def text(
    sizes: Mapping[str, Size], findings: Iterable[Finding], report: Report, *, check: bool, sizes_only: bool
) -> str:
    """What `lock` prints for people; the table of sizes goes to the terminal at once."""
    if sizes and not check:
        table.show(COLUMNS, [_row(size) for size in sizes.values()])
        print("\ncompressed, added up from published sizes; nothing was downloaded\n")
    return "\n".join([*map(str, findings), *([] if sizes_only else [_verdict(list(findings), report, check)])])


def _row(size: Size) -> tuple[str, ...]:
    budget = megabytes(size.budget) if size.budget else "-"
    return (size.name, megabytes(size.own), megabytes(size.whole), budget, ", ".join(size.open) or "-")


def failures(report: Report) -> Iterator[str]:
    """What could not be done, for standard error: the clear line, the program's own words, what to do next."""
    for error in report.failures.values():
        yield f"dockwright: {error}"
        yield from (f"  | {line}" for line in str(getattr(error, "output", "")).splitlines()[-12:])
        if error.remedy:
            yield f"  -> {error.remedy}"


def _verdict(findings: list[Finding], report: Report, check: bool) -> str:
    if check and not report.failures:
        return "./dockwright lock makes what does not fit again" if findings else "every lock fits"
    count = len(report.changed)
    if not count:
        return "nothing was changed" if report.failures else "no lock changed"
    return f"{count} lock{'' if count == 1 else 's'} changed: {', '.join(sorted(report.changed))}"


def as_json(
    sizes: Mapping[str, Size], inventory: Inventory, findings: Iterable[Finding], report: Report
) -> dict[str, object]:
    """The shape that `lock --json` prints."""
    parts = (inventory.debian, inventory.python)
    files = {name: [str(part[name].file) for part in parts if name in part] for name in inventory.names}
    return {
        "locks": [{**asdict(size), "files": files.get(name, [])} for name, size in sizes.items()],
        "changed": sorted(report.changed),
        "findings": [finding.as_json() for finding in findings],
        "failures": {name: str(error) for name, error in sorted(report.failures.items())},
    }


def explained(found: Iterable[Wanted]) -> str:
    """Who wants a package: one paragraph for each place where it enters, one line for each chain."""
    lines = []
    for wanted in found:
        lines.append(f"{wanted.package} {wanted.version} ({megabytes(wanted.size)}) comes with {wanted.brought_by}")
        lines += [
            f"  {'; '.join(f'{step.source} wants {step.requirement}' for step in chain)}" for chain in wanted.chains
        ]
        if wanted.also_in:
            lines.append(f"  and so it is in {', '.join(wanted.also_in)}")
    return "\n".join(lines)
