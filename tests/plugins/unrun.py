"""Says at the end, in plain words, which tests did not run on this machine and why."""

from __future__ import annotations

from collections import defaultdict

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("dockwright").addoption(
        "--name-unrun", action="store_true", help="name every test that did not run"
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    reasons: dict[str, list[str]] = defaultdict(list)
    for report in terminalreporter.stats.get("skipped", []):
        reasons[why(report)].append(report.nodeid)
    if not reasons:
        return
    terminalreporter.section("did not run on this machine")
    for reason, names in sorted(reasons.items()):
        terminalreporter.line(f"{count(len(names))}: {reason}")
        for name in sorted(names) if config.option.name_unrun else ():
            terminalreporter.line(f"    {name}")


def why(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The reason of a skipped test, as its author wrote it."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return str(text).removeprefix("Skipped: ")


def count(number: int) -> str:
    return f"{number} test{'' if number == 1 else 's'}"
