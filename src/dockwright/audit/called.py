"""Programs and libraries that Python code names and an image has not got."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from dockwright.audit.looked import Looked, Places
from dockwright.audit.native import is_driver
from dockwright.audit.system import Call, System
from dockwright.spec.finding import Finding

# Where an image has what comes from the work tree.
HOMES = (
    (re.compile(r"^/app/(?P<rest>.+)$"), "fleet/services/{service}/{rest}"),
    (re.compile(r"^/usr/local/lib/python3[^/]*/dist-packages/(?P<rest>servicekit/.+)$"), "servicekit/src/{rest}"),
)
# Code of packages that runs on their makers' machines.
MAKERS = re.compile(r"/(_?tests?|testing|_?examples?|benchmarks?|_?distutils|setup)(/|\.py$)|/test_[^/]*$")
# The driver brings it, as it brings its libraries.
DRIVER_PROGRAMS = {"nvidia-smi"}
# Names of programs, as opposed to options and a shell's own words.
NAME = re.compile(r"^[A-Za-z/][\w.+/-]+$")


def by_packages(image: Looked, below: Iterable[Looked], places: Places) -> Iterator[Finding]:
    """What packages name: it may never be run, so nothing is wrong yet."""
    told = {(call.name, call.file) for parent in below for call in parent.system.calls}
    groups: dict[str, list[Call]] = defaultdict(list)
    for call in image.system.calls:
        owner = image.system.owner(call.file)
        fresh = (call.name, call.file) not in told and owner.kind == "python" and not MAKERS.search(call.file)
        if fresh and NAME.match(call.name) and not there(call, image.system):
            groups[call.name].append(call)
    for name, calls in sorted(groups.items()):
        owners = sorted({image.system.owner(call.file) for call in calls})
        file, line = places.of(owners[0], image)
        who = ", ".join(map(str, owners))
        says = f"{who} would {'open' if calls[0].kind == 'library' else 'run'} it ({calls[0].file}:{calls[0].line}"
        says += f" and {len(calls) - 1} more" if len(calls) > 1 else ""
        yield Finding("program", "info", name, file, line, f"{says}), and the image has not got it")


def by_service(image: Looked) -> Iterator[Finding]:
    """What the service itself, or the kit in it, runs or opens."""
    for call in image.system.calls:
        file = _at_home(call.file, image.name)
        if file and call.kind != "sought" and not there(call, image.system):
            says = f"is {'opened' if call.kind == 'library' else 'run'} here, and the image has not got it; "
            says += "add its package to an apt.in of the family"
            yield Finding("program", "error", call.name, file, call.line, says)


def there(call: Call, system: System) -> bool:
    """Whether an image has what is named; what the driver brings counts as there."""
    if call.kind == "library":
        return is_driver(call.name) or bool(system.libraries(call.name))
    return call.name in DRIVER_PROGRAMS or bool(system.program(call.name))


def _at_home(path: str, service: str) -> str:
    """The file of the work tree that a path in a service's image comes from; empty where it comes from a package."""
    matches = ((pattern.match(path), home) for pattern, home in HOMES)
    return next((home.format(service=service, rest=match["rest"]) for match, home in matches if match), "")
