"""What is planned; and that each edit rebuilds exactly what stands on it, and is told by its own name."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from build.small import (
    CPU,
    FAMILIES,
    GPU,
    INSTANCES,
    SERVICES,
    SUPERVISORS,
    TORCH,
    changed,
    checkout,
    planned,
    relocked,
)

from dockwright.build import bake, bases, known, parts, staging, tools
from dockwright.build.bases import Base
from dockwright.build.images import RECIPE, Image, plan_images
from dockwright.build.origin import Origin
from dockwright.build.packages import Packages
from dockwright.lock.debs import Deb
from dockwright.spec.load import load_fleet
from dockwright.spec.model import Instance

EVERYTHING = FAMILIES | INSTANCES
BOOKWORM = CPU | GPU | INSTANCES
WEB = {"family-web", "mainpc/ServiceRegistry", "pc2/CentralErrorBus"}
PYDEPS = {"base-cpu-pydeps", "family-web"} | INSTANCES
PIP = PYDEPS | GPU | {"legacy-py310-cpu"}
REGISTRY, BUS = "mainpc/ServiceRegistry", "pc2/CentralErrorBus"
Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory.mktemp("original"))


@pytest.fixture(scope="module")
def before(original: Path) -> dict[str, Image]:
    return planned(original)


def append(*names: str, line: str = "\n# changed\n") -> Change:
    def change(root: Path) -> None:
        for name in names:
            path = root / name
            path.write_bytes(path.read_bytes() + line.encode())

    return change


def replace(name: str, old: str, new: str) -> Change:
    def change(root: Path) -> None:
        text = (root / name).read_text()
        assert old in text, f"{name} has no {old!r}"
        (root / name).write_text(text.replace(old, new, 1))

    return change


def pinned(name: str, package: str, version: str) -> Change:
    """A lock with another version of a package."""

    def change(root: Path) -> None:
        lines = (root / name).read_text().splitlines(keepends=True)
        (number,) = [number for number, line in enumerate(lines) if line.startswith(f"{package}==")]
        lines[number] = f"{package}=={version} \\\n"
        (root / name).write_text("".join(lines))

    return change


def debs(lock: str, name: str, **other: Any) -> Change:
    """A lock of Debian packages in which something else is said of one."""
    return lambda root: relocked(root / lock, name, **other)


def touched(root: Path) -> None:
    for path in sorted((root / "fleet").rglob("*")):
        os.utime(path, (1, 1))


def made(name: str, content: str = "x = 1\n") -> Change:
    def change(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)

    return change


@dataclass(frozen=True)
class Edit:
    """A change to a checkout, the images that it rebuilds, and what is said of one of them."""

    change: Change
    rebuilt: set[str] = field(default_factory=set)
    told: dict[str, str] = field(default_factory=dict)


SERVICE = "fleet/services/ServiceRegistry"
EDITS = {
    "nothing": Edit(lambda _: None),
    "every file's time": Edit(touched),
    "a service's source": Edit(
        append(f"{SERVICE}/service_registry/app.py"), {REGISTRY}, {REGISTRY: "file service_registry/app.py"}
    ),
    "a new file": Edit(
        made(f"{SERVICE}/service_registry/new.py"), {REGISTRY}, {REGISTRY: "file service_registry/new.py added"}
    ),
    "a file gone": Edit(
        lambda root: (root / SERVICE / "service_registry/app.py").unlink(),
        {REGISTRY},
        {REGISTRY: "file service_registry/app.py removed"},
    ),
    "a file that may be executed": Edit(
        lambda root: (root / SERVICE / "service_registry/app.py").chmod(0o755),
        {REGISTRY},
        {REGISTRY: "file service_registry/app.py"},
    ),
    "a service on two machines": Edit(
        append("fleet/services/SelfHealingSupervisor/self_healing_supervisor/app.py"),
        SUPERVISORS,
        dict.fromkeys(SUPERVISORS, "file self_healing_supervisor/app.py"),
    ),
    "a service's declaration": Edit(append("fleet/services/CentralErrorBus/service.toml"), {BUS}),
    "a service's pin": Edit(
        pinned(f"{SERVICE}/requirements.lock", "click", "99.1"), {REGISTRY}, {REGISTRY: "pin click 8.5.1 -> 99.1"}
    ),
    "a lock's hash": Edit(
        replace(f"{SERVICE}/requirements.lock", "--hash=sha256:0", "--hash=sha256:1"),
        {REGISTRY},
        {REGISTRY: "lock requirements.lock"},
    ),
    "a lock's comments": Edit(append(f"{SERVICE}/requirements.lock")),
    "who asks for a Debian package": Edit(debs("fleet/families/base-utils/apt.lock", "curl", via=("me",))),
    "a family's Debian package": Edit(
        debs("fleet/families/base-utils/apt.lock", "curl", version="9"),
        BOOKWORM - {"base-python"},
        {"base-utils": "pin curl 7.88.1-10+deb12u15 -> 9", "family-web": "parent base-cpu-pydeps"},
    ),
    "a Debian package's content": Edit(
        debs("fleet/families/base-utils/apt.lock", "curl", sha256="sha256:" + "0" * 64),
        BOOKWORM - {"base-python"},
        {"base-utils": "packages base-utils"},
    ),
    "a root's package": Edit(debs("fleet/roots/debian-bookworm.lock", "tini", version="9"), BOOKWORM),
    "a package of what builders start from": Edit(
        debs("fleet/roots/debian-bookworm.build.lock", "python3-pip", sha256="sha256:" + "0" * 64),
        BOOKWORM,
        {"base-python": "root debian-bookworm/build"},
    ),
    "another root": Edit(
        debs("fleet/roots/ubuntu-jammy.lock", "tini", version="9"),
        {"legacy-py310-cpu"},
        {"legacy-py310-cpu": "root ubuntu-jammy; pin tini 0.19.0-1 -> 9"},
    ),
    "the kit": Edit(
        append("servicekit/src/servicekit/__init__.py"),
        INSTANCES,
        dict.fromkeys(INSTANCES, "kit servicekit/__init__.py"),
    ),
    "the services' Dockerfile": Edit(
        append("fleet/services/Dockerfile"), INSTANCES, dict.fromkeys(INSTANCES, "Dockerfile")
    ),
    "what the services' builds leave out": Edit(append("fleet/services/Dockerfile.dockerignore"), INSTANCES),
    "what ends all families": Edit(
        append("fleet/build/family.Dockerfile"),
        EVERYTHING,
        {"base-python": "script family.Dockerfile", REGISTRY: "parent family-web"},
    ),
    "what writes bills of materials": Edit(
        append("fleet/build/bill/licences.py"), EVERYTHING, {"base-python": "script bill/licences.py"}
    ),
    "a step of all builds": Edit(append("fleet/build/settle"), EVERYTHING, {"base-python": "script settle"}),
    "a step of some builds": Edit(append("fleet/build/install-wheels"), PIP),
    "a step that such a step starts": Edit(append("fleet/build/delta.py"), PIP, {"base-cpu-pydeps": "script delta.py"}),
    "a step of Debian packages": Edit(append("fleet/build/install-debs"), BOOKWORM - {"base-python"}),
    "a step that nothing uses": Edit(made("fleet/build/new-step")),
    "the lowest family": Edit(
        append("fleet/families/base-python/Dockerfile"),
        BOOKWORM,
        {"base-python": "Dockerfile", "base-utils": "parent base-python"},
    ),
    "a family's lock": Edit(
        pinned("fleet/families/base-cpu-pydeps/requirements.lock", "numpy", "9.9"),
        PYDEPS,
        {"family-web": "parent base-cpu-pydeps", "pc2/SelfHealingSupervisor": "parent base-cpu-pydeps"},
    ),
    "a GPU family in the middle": Edit(
        append("fleet/families/family-torch-cu121/requirements.lock", line="x\n"), TORCH
    ),
    "a leaf family": Edit(append("fleet/families/family-web/Dockerfile"), WEB),
    "a machine's profile": Edit(
        replace("fleet/fleet.toml", "UVICORN_WORKERS = 8", "UVICORN_WORKERS = 6"),
        {BUS, "pc2/SelfHealingSupervisor"},
        {BUS: "profile UVICORN_WORKERS 8 -> 6"},
    ),
    "a port": Edit(
        replace("fleet/fleet.toml", "port = 7200", "port = 7299"), {REGISTRY}, {REGISTRY: "fact port 7200 -> 7299"}
    ),
    "a health port": Edit(
        replace("fleet/fleet.toml", "health_port = 8200", "health_port = 8299"),
        {REGISTRY},
        {REGISTRY: "argument HEALTH_PORT 8200 -> 8299; fact health_port 8200 -> 8299"},
    ),
    "another family": Edit(
        replace(
            "fleet/fleet.toml",
            'family = "family-web",           port = 7200',
            'family = "base-cpu-pydeps", port = 7200',
        ),
        {REGISTRY},
    ),
    "tests, requirements and pages": Edit(
        append(
            f"{SERVICE}/requirements.in",
            f"{SERVICE}/openapi.json",
            f"{SERVICE}/tests/conftest.py",
            "fleet/families/family-web/requirements.in",
            "fleet/families/family-llm-cu121/family.toml",
            "fleet/build/README.md",
            "servicekit/README.md",
            "fleet/change-control/README.md",
        )
    ),
    "tests of the kit": Edit(made("servicekit/tests/test_new.py")),
    "a file beside the contexts": Edit(made("README.md")),
    "what only a running container gets": Edit(made(f"{SERVICE}/models/weights.bin")),
    "a service that is not asked for": Edit(append("fleet/services/SystemDigitalTwin/service.toml")),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_rebuilds_exactly_what_stands_on_it(before: dict[str, Image], tmp_path: Path, edit: Edit) -> None:
    copy = checkout(tmp_path)
    edit.change(copy)
    after = planned(copy)
    assert changed(before, after) == edit.rebuilt
    for name in edit.rebuilt:
        assert told(before, after, name), f"{name} is rebuilt for no reason"
    assert {name: told(before, after, name) for name in edit.told} == edit.told
    assert {name for name in before if told(before, after, name)} == edit.rebuilt


def told(before: dict[str, Image], after: dict[str, Image], name: str) -> str:
    """What is said of an image whose earlier one was built of `before`: it is read off what that image records."""
    recorded = parts.recorded(parts.record(before[name].parts))
    assert recorded is not None
    return "; ".join(map(str, parts.changes(recorded, after[name].parts)))


@pytest.mark.parametrize("name", ["debian-bookworm", "debian-bookworm/build"])
def test_a_root_that_is_not_as_locked_is_another_one_and_its_images_say_so(
    original: Path, before: dict[str, Image], name: str
) -> None:
    other = planned(original, **{name: Base("sha256:other", as_locked=False)})
    assert changed(before, other) == BOOKWORM
    assert {image.unlocked for key, image in other.items() if key in BOOKWORM} == {(name,)}
    assert {image.unlocked for image in before.values()} == {()}


def test_packages_of_a_family_that_are_not_as_locked_are_told_from_there_on(original: Path) -> None:
    other = planned(original, **{"base-utils": Base("sha256:other", as_locked=False)})
    unlocked = {name for name, image in other.items() if image.unlocked == ("base-utils",)}
    assert unlocked == BOOKWORM - {"base-python"}
    assert other["base-python"].unlocked == ()


def test_another_tool_rebuilds_what_uses_it(
    original: Path, before: dict[str, Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tools.versions
    for context, package, rebuilt in (("uv", "uv", PIP), ("cyclonedx", "packageurl-python", EVERYTHING)):

        def versions(name: str, other: str = context, package: str = package) -> dict[str, str]:
            return {**real(name), **({package: "99"} if name == other else {})}

        with monkeypatch.context() as patch:
            patch.setattr(tools, "versions", versions)
            after = planned(original)
        assert changed(before, after) == rebuilt
        assert told(before, after, REGISTRY).endswith(f"tool {package} {real(context)[package]} -> 99")


def test_parents_come_before_their_children(before: dict[str, Image]) -> None:
    assert set(before) == EVERYTHING
    seen: set[str] = set()
    for name, image in before.items():
        assert image.parent is None or image.parent in seen
        assert (image.parent is None) == (image.root is not None)
        seen.add(name)
    assert before["base-python"].root == "debian-bookworm"
    assert before["legacy-py310-cpu"].root == "ubuntu-jammy"


def test_an_alias_is_its_target(original: Path) -> None:
    fleet = load_fleet(original / "fleet")
    known = bases.expected(fleet, original, ["family-cpu-pydeps"])
    by_alias = plan_images(fleet, ["family-cpu-pydeps"], [], original, known)
    assert by_alias == plan_images(fleet, ["base-cpu-pydeps"], [], original, known)
    assert "family-cpu-pydeps" not in by_alias


def test_two_families_of_equal_files_are_two_images(tmp_path: Path) -> None:
    copy = checkout(tmp_path)
    replace(
        "fleet/fleet.toml",
        "[families.base-utils]",
        '[families.twin]\nparent = "debian-bookworm"\npurpose = "x"\n\n[families.base-utils]',
    )(copy)
    (copy / "fleet/families/twin").mkdir()
    (copy / "fleet/families/twin/Dockerfile").write_bytes((copy / "fleet/families/base-python/Dockerfile").read_bytes())
    images = planned(copy)
    assert images["twin"].input_digest != images["base-python"].input_digest


def test_instances_carry_what_they_are(before: dict[str, Image]) -> None:
    pc2 = before["pc2/SelfHealingSupervisor"]
    assert pc2.arguments == {
        "SERVICE": "SelfHealingSupervisor",
        "FAMILY": "base-cpu-pydeps",
        "MACHINE": "pc2",
        "HEALTH_PORT": "9008",
        "PYTHON": "3.11",
    }
    assert (pc2.repository, pc2.tag_suffix) == ("ghcr.io/dockwright/self-healing-supervisor", "-pc2")
    assert before["base-python"].tag_prefix == "3.11-slim-"


def test_names_in_a_definition_are_as_bake_takes_them(before: dict[str, Image]) -> None:
    targets = [image.target for image in before.values()]
    assert len(set(targets)) == len(EVERYTHING)
    assert all(
        set(target) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") for target in targets
    )


def test_the_services_of_these_tests_are_implemented(original: Path) -> None:
    assert set(SERVICES) <= set(load_fleet(original / "fleet").implementations)


# What the tool itself puts into images, by the number under which their inputs know it. A failure here means that
# images would change and no input digest would: raise images.RECIPE, and note the new digest.
CONTEXTS = {"known": "/known", "scripts": "/scripts"}
RECIPES = {"2": "2691d4f929dbe0f0"}


def test_what_the_tool_puts_into_images_is_one_of_their_inputs(original: Path) -> None:
    decides = {"file": {"app.py": "sha256:" + "1" * 64}, "pin": {"fastapi": "0.165.0"}, "lock": {}}
    here = Instance("ServiceRegistry", "mainpc")
    image = Image(
        name="name",
        parent="parent",
        root="root",
        ground="root",
        context=Path("/c"),
        dockerfile=Path("/d"),
        parts=decides,
        input_digest="sha256:" + "0" * 64,
        repository="repository",
        tag_prefix="p",
        tag_suffix="s",
        unlocked=("debs",),
    )
    images = {"family": image, "instance": dataclasses.replace(image, name="mainpc/One", instance=here)}
    origin = Origin("0" * 40, False, "20261124")
    shared = bake.Shared({"ca": Path("/ca")}, {}, origin)
    staged = {name: bake.Staged(Path("/context"), Path("/Dockerfile"), CONTEXTS) for name in images}
    said = bake.definition(images, {"parent": "parent"}, staged, shared)
    texts = staging.instance_files(load_fleet(original / "fleet"), images["instance"], here, origin)
    keys = {name: list(json.loads(text)) for name, text in texts.items()}
    curl = Deb("curl", "1:8", "amd64", "sha256:" + "2" * 64, 1)
    whole = json.dumps(
        [said, keys, known.known(Path("/c"), [Packages("debs", {"curl": curl})])], sort_keys=True, indent=1
    )
    assert hashlib.sha256(whole.encode()).hexdigest()[:16] == RECIPES[RECIPE], whole
