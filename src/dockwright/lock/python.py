"""One lock of Python packages: uv resolves it, everything else is worked out and checked here."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dockwright.errors import CommandFailed
from dockwright.lock import closure, files, metadata, pins, requirement, text
from dockwright.lock.pins import Lock, Pin, Via
from dockwright.lock.platform import Target
from dockwright.lock.resolver import Stop, Workplace, uv
from dockwright.lock.tasks import Task, input_digest
from dockwright.spec.finding import Finding

__all__ = ["Outcome", "compile_command", "files_command", "make", "uv", "verify"]


@dataclass(frozen=True)
class Outcome:
    """A lock that was made: its pins, whether its file changed, what is wrong with it."""

    task: Task
    pins: Mapping[str, Pin]
    changed: bool
    findings: tuple[Finding, ...] = ()


def compile_command(task: Task, root: Path, output: Path, upgrade: Sequence[str]) -> list[str]:
    """The uv command that resolves one lock; `upgrade` names packages, or is ("*",) for all."""
    words = ["pip", "compile", "--quiet", "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"]
    words += [*_target(task.target), *_no_building(task), "--output-file", str(output)]
    words += ["--constraint", "floors.txt", "--excludes", "without.txt", "--overrides", "instead.txt"]
    words += ["--constraint", str(root / task.parent_file)] if task.parent_file else []
    words += ["--upgrade"] if "*" in upgrade else [word for name in upgrade for word in ("--upgrade-package", name)]
    return [*words, *(str(root / path) for path in task.inputs)]


def files_command(task: Task, lock: Path, output: Path) -> list[str]:
    """The uv command that asks the index for the files of pins, without choosing any version."""
    words = ["pip", "compile", "--quiet", "--no-deps", "--format", "pylock.toml", "--output-file", str(output)]
    return [*words, *_target(task.target), *_no_building(task), str(lock)]


def _target(target: Target) -> list[str]:
    return ["--system-certs", "--python-version", target.python, "--python-platform", target.name]


def _no_building(task: Task) -> list[str]:
    """Wheels only; what is allowed as source has its needs declared, so that none of its code runs."""
    return ["--only-binary", ":all:", *(word for name in sorted(task.rules.sources) for word in ("--no-binary", name))]


def make(task: Task, root: Path, stop: Stop, *, upgrade: Sequence[str] = (), offline: bool = False) -> Outcome:
    """Resolve, check and write one lock. The old file stays when anything fails.

    Raises CommandFailed with the resolver's explanation, Unreachable when the index does not answer.
    """
    parent = pins.read(root / task.parent_file, str(task.parent_file)) if task.parent_file else None
    asked = requirement.read(root, task.inputs)
    with tempfile.TemporaryDirectory(prefix="dockwright-lock-") as folder:
        place = Workplace(Path(folder), root, stop, offline)
        place.prepare(task)
        resolved, offered = _resolve(task, place, upgrade)
    needs = _needs(task, resolved, offered, offline)
    walk = closure.walk(asked, needs, resolved, task.target.markers, task.rules)
    made = {name: _finished(pin, offered.get(name), walk, parent) for name, pin in resolved.items()}
    shown = str(task.file)
    found = [*closure.findings(walk, made, shown), *_wrong_files(made, offered, shown)]
    if parent:
        found += pins.unlike(made, parent.pins, shown, str(task.parent_file))
    if found:
        return Outcome(task, made, False, tuple(found))
    return Outcome(task, made, _write(task, root, made, parent))


def verify(task: Task, root: Path, stop: Stop, *, offline: bool = False) -> list[Finding]:
    """Whether the index still has the file of every pin, under one of its hashes.

    Raises CommandFailed where a pinned version is gone, Unreachable when the index does not answer.
    """
    shown = str(task.file)
    locked = pins.read(root / task.file, shown).pins
    with tempfile.TemporaryDirectory(prefix="dockwright-lock-") as folder:
        place = Workplace(Path(folder), root, stop, offline)
        place.prepare(task)
        pylock = place.folder / "pylock.toml"
        try:
            place.uv(files_command(task, root / task.file, pylock), task.name)
        except CommandFailed as error:
            says = f"{shown}: the package index has not everything any more"
            raise CommandFailed(says, "./dockwright lock --upgrade takes what is there", error.output) from None
        offered = files.chosen(pylock.read_text(), task.target)
    gone = [pin for name, pin in locked.items() if name not in offered]
    found = [Finding("lock-hashes", "error", pin.name, shown, pin.line, "the index has no file of it") for pin in gone]
    return [*found, *_wrong_files(locked, offered, shown)]


def _resolve(task: Task, place: Workplace, upgrade: Sequence[str]) -> tuple[dict[str, Pin], dict[str, files.File]]:
    output, pylock = place.folder / "requirements.lock", place.folder / "pylock.toml"
    before = place.root / task.file
    output.write_bytes(before.read_bytes() if before.is_file() else b"")
    place.uv(compile_command(task, place.root, output, upgrade), task.name)
    resolved = dict(pins.read(output, task.name).pins)
    place.uv(files_command(task, output, pylock), task.name)
    return resolved, files.chosen(pylock.read_text(), task.target)


def _needs(
    task: Task, resolved: Mapping[str, Pin], offered: Mapping[str, files.File], offline: bool
) -> dict[str, tuple[str, ...] | None]:
    """What each pinned package requires: its own metadata, or for sources what family.toml says."""
    known = metadata.read(offered.values(), offline=offline)
    found = {name: known.get(offered[name].sha256) if name in offered else None for name in resolved}
    return found | {name: source.requires for name, source in task.rules.sources.items() if name in resolved}


def _finished(pin: Pin, file: files.File | None, walk: closure.Walk, parent: Lock | None) -> Pin:
    """A pin with its file and who asks for it; hashes and file are the parent's where the parent has it."""
    above = parent.pins.get(pin.name) if parent else None
    via = tuple(sorted(walk.via.get(pin.name, ()), key=lambda via: (via.source, via.requirement)))
    via = via or ((Via("the-resolver", pin.name),) if walk.opaque else ())
    if above is not None and above.version == pin.version:
        return replace(above, via=via)
    return replace(pin, via=via, file=file.name, size=file.size, sha256=file.sha256) if file else replace(pin, via=via)


def _wrong_files(made: Mapping[str, Pin], offered: Mapping[str, files.File], shown: str) -> list[Finding]:
    """Pins whose file in the index is not one that they allow."""
    found = []
    for name, pin in made.items():
        file = offered.get(name)
        if file is not None and file.sha256 not in pin.hashes:
            says = f"the index has {file.name} with {file.sha256[:19]}…, which is none of this pin's hashes"
            found.append(Finding("lock-hashes", "error", name, shown, pin.line or 1, says))
    return found


def _write(task: Task, root: Path, made: Mapping[str, Pin], parent: Lock | None) -> bool:
    about = f"{task.name}, Python {task.target.python}, {task.target.name}"
    head = {"for": about, "inputs": input_digest(task, root), **({"parent": parent.digest} if parent else {})}
    return text.write(root, task.file, text.render(head, made.values()))
