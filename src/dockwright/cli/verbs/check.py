"""Everything wrong with the fleet, each with its file and line, before anything is built.

Reads fleet.toml, every service.toml, the Dockerfiles, the frozen blueprint and its tickets. Starts nothing, writes
nothing, and needs neither an engine nor a network.

  dockwright check            errors and warnings; what is not implemented yet is counted
  dockwright check --all      every finding on its own line
  dockwright check --strict   warnings end with exit code 1 too
  dockwright check --rules    what each rule demands
  dockwright check --json     {"services", "instances", "implemented", "findings": [{"rule", "severity", ...}]}

exit codes: 0 no error, 1 errors, 2 fleet.toml cannot be read
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from dockwright.check.registry import all_rules
from dockwright.check.run import Report, check, counts
from dockwright.cli.context import repository
from dockwright.spec.finding import Finding, Severity


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="every finding on its own line, infos too")
    parser.add_argument("--strict", action="store_true", help="warnings end with exit code 1 too")
    parser.add_argument("--rules", action="store_true", help="say what each rule demands, and check nothing")
    parser.add_argument("--fleet", type=Path, metavar="FOLDER", help="another fleet folder than this repository's")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(arguments: argparse.Namespace) -> int:
    if arguments.rules:
        print("\n".join(f"{rule.name:<16} {rule.about.splitlines()[0]}" for rule in all_rules()))
        return 0
    report = check(arguments.fleet or repository() / "fleet", datetime.now().astimezone().date())
    if arguments.json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        print("\n".join(lines(report, arguments.all)))
    warned = any(finding.severity == "warning" for finding in report.findings)
    return report.exit_code or int(arguments.strict and warned)


def lines(report: Report, everything: bool) -> Iterator[str]:
    """The report for people: errors, warnings, infos in short, and one last line that sums it up."""
    for severity, title in (("error", "errors"), ("warning", "warnings")):
        yield from _group(title, [finding for finding in report.findings if finding.severity == severity])
    infos = [finding for finding in report.findings if finding.severity == "info"]
    if everything:
        yield from _group("for your information", infos)
    else:
        yield from _short(infos)
    yield summary(report)


def _group(title: str, findings: list[Finding]) -> Iterator[str]:
    if findings:
        yield f"{title} ({len(findings)})"
        yield from (f"  {finding}  [{finding.rule}]" for finding in findings)
        yield ""


def _short(infos: list[Finding]) -> Iterator[str]:
    found = False
    for prefix, one, many in (("services.", "service is", "services are"), ("families.", "family is", "families are")):
        count = sum(finding.rule == "not-implemented" and finding.path.startswith(prefix) for finding in infos)
        if count:
            yield f"{count} {one if count == 1 else many} not implemented yet (--all names them)"
            found = True
    other = [finding for finding in infos if finding.rule != "not-implemented"]
    yield from (str(finding) for finding in other)
    if found or other:
        yield ""


def summary(report: Report) -> str:
    """`63 services, 66 instances, 5 implemented: no errors, 1 warning`."""
    told = {severity: sum(f.severity == severity for f in report.findings) for severity in ("error", "warning")}
    says = ", ".join(_count(number, name) for name, number in told.items() if number or name == "error")
    if report.fleet is None:
        return f"fleet.toml cannot be used: {says}"
    number = counts(report.fleet)
    return (
        f"{number['services']} services, {number['instances']} instances, {number['implemented']} implemented: {says}"
    )


def _count(number: int, name: Severity | str) -> str:
    return f"{number or 'no'} {name}{'' if number == 1 else 's'}"
