"""What containers wrote, merged in the order of time."""

from __future__ import annotations

import json
import queue
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dockwright.engine import command
from dockwright.engine.docker import Docker
from dockwright.engine.process import Process
from dockwright.spec.finding import printable

RED, YELLOW, DIM, PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[0m"
# What every JSON line has; a line's other keys are shown behind its message.
USUAL = {"time", "level", "logger", "message", "service", "machine", "trace"}
STAMP = re.compile(r"(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) ")


@dataclass(frozen=True)
class Entry:
    """One line: when the engine took it, who wrote it, its level where it is a JSON line (else empty), its text."""

    at: str
    service: str
    level: str
    text: str


def entry(service: str, text: str, at: str = "") -> Entry:
    """A line that a service wrote; `at` is when the engine took it, where one did."""
    try:
        found = json.loads(text)
        level = str(found.get("level", "")).lower() if isinstance(found, dict) else ""
    except (ValueError, RecursionError):
        level = ""
    return Entry(at, service, level, text)


def _stamper(service: str) -> Callable[[str], Entry]:
    """Takes the engine's stamp off each line. What comes without one, behind a carriage return, goes on from before."""
    at = ""

    def stamped(line: str) -> Entry:
        nonlocal at
        stamp = STAMP.match(line)
        at = stamp[1] if stamp else at
        return entry(service, line[stamp.end() :] if stamp else line, at)

    return stamped


def _words(docker: Docker, container: str, lines: int, since: str | None, *, follow: bool) -> list[str]:
    words = [str(docker.program), "logs", "--timestamps", "--tail", str(lines)]
    words += ["--since", since] if since else []
    return [*words, *(["--follow"] if follow else []), container]


def last(docker: Docker, chosen: Mapping[str, str], lines: int, since: str | None) -> Iterator[Entry]:
    """The last lines of each container (service -> container), in the order of time."""
    found: list[Entry] = []
    for service, container in chosen.items():
        done = command.run(_words(docker, container, lines, since, follow=False), env=docker.env(), check=False)
        if done.ok:
            for wrote in (done.stdout, done.stderr):
                found += map(_stamper(service), filter(None, wrote.split("\n")))
        elif "No such container" not in done.stderr:
            raise command.failure(done)
    yield from sorted(found, key=lambda found: found.at)


def follow(docker: Docker, chosen: Mapping[str, str], lines: int, since: str | None) -> Iterator[Entry]:
    """The same, and then what comes, until every container has ended."""
    waiting: queue.Queue[Entry | None] = queue.Queue()
    running: list[Process] = []

    def start(service: str, container: str) -> Process:
        stamped = _stamper(service)
        return Process(
            _words(docker, container, lines, since, follow=True),
            env=docker.env(),
            cwd=Path.cwd(),
            on_line=lambda line: waiting.put(stamped(line)),
            on_end=lambda _: waiting.put(None),
        )

    try:
        for service, container in chosen.items():
            running.append(start(service, container))
        ended = 0
        while ended < len(running):
            found = waiting.get()
            if found is None:
                ended += 1
            else:
                yield found
    finally:
        for process in running:
            process.end()


def brief(lines: Iterable[str]) -> list[str]:
    """What a service wrote before it failed, each thing once: messages, each with the last line of its trace."""
    told: list[str] = []
    for line in lines:
        text = line
        if entry("", line).level:
            found = json.loads(line)
            last = str(found.get("trace") or "").strip().splitlines()[-1:]
            text = ": ".join([str(found.get("message", "")), *last])
        text = printable(text)[:300]
        if text not in told:
            told.append(text)
    return told


def shown(line: Entry, *, colour: bool) -> str:
    """A line for people; what comes from a container cannot move the cursor."""
    time, text, trace = line.at[11:23], line.text, list[str]()
    if line.level:
        found = json.loads(line.text)
        time = time or str(found.get("time", ""))[11:23]
        rest = " ".join(f"{key}={value}" for key, value in found.items() if key not in USUAL)
        trace = str(found.get("trace") or "").splitlines()
        text = f"{line.level:<7} {found.get('message', '')}{'  ' + rest if rest else ''}"
    told = "\n".join([printable(f"{time:<12} {line.service:<26} {text}"), *(f"  | {printable(one)}" for one in trace)])
    tint = {"warning": YELLOW, "error": RED, "critical": RED, "debug": DIM}.get(line.level, "") if colour else ""
    return f"{tint}{told}{PLAIN}" if tint else told
