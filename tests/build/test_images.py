"""What is planned, and that each change rebuilds exactly what stands on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from build.small import FAMILIES, INSTANCES, SERVICES, SUPERVISORS, changed, checkout, planned, relocked

from dockwright.build import bases, tools
from dockwright.build.bases import Base
from dockwright.build.images import family_images
from dockwright.spec.load import load_fleet

EVERYTHING = FAMILIES | INSTANCES
WEB = {"family-web", "mainpc/ServiceRegistry", "pc2/CentralErrorBus"}
PYDEPS = EVERYTHING - {"base-python", "base-utils"}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory.mktemp("original"))


def append(*names: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        for name in names:
            path = root / name
            path.write_bytes(path.read_bytes() + b"\n# changed\n")

    return change


def replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        text = (root / name).read_text()
        assert old in text, f"{name} has no {old!r}"
        (root / name).write_text(text.replace(old, new, 1))

    return change


def pinned(lock: str, name: str, **other: Any) -> Callable[[Path], None]:
    return lambda root: relocked(root / lock, name, **other)


CHANGES: dict[str, tuple[Callable[[Path], None], set[str]]] = {
    "nothing": (lambda _: None, set()),
    "a service's source": (
        append("fleet/services/ServiceRegistry/service_registry/app.py"),
        {"mainpc/ServiceRegistry"},
    ),
    "a service's source on two machines": (
        append("fleet/services/SelfHealingSupervisor/self_healing_supervisor/app.py"),
        SUPERVISORS,
    ),
    "a service's declaration": (append("fleet/services/CentralErrorBus/service.toml"), {"pc2/CentralErrorBus"}),
    "the kit": (append("servicekit/src/servicekit/__init__.py"), INSTANCES),
    "the services' Dockerfile": (append("fleet/services/Dockerfile"), INSTANCES),
    "what the services' builds leave out": (append("fleet/services/Dockerfile.dockerignore"), INSTANCES),
    "a step of builds": (append("fleet/build/install-wheels"), EVERYTHING),
    "the lowest family": (append("fleet/families/base-python/Dockerfile"), EVERYTHING),
    "a family's lock": (append("fleet/families/base-cpu-pydeps/requirements.lock"), PYDEPS),
    "a root's package": (pinned("fleet/roots/debian-bookworm.lock", "tini", version="9"), EVERYTHING),
    "a package of what builders start from": (
        pinned("fleet/roots/debian-bookworm.build.lock", "python3-pip", sha256="sha256:" + "0" * 64),
        EVERYTHING,
    ),
    "a family's Debian package": (
        pinned("fleet/families/base-utils/apt.lock", "curl", version="9"),
        EVERYTHING - {"base-python"},
    ),
    "who asks for a Debian package": (pinned("fleet/families/base-utils/apt.lock", "curl", via=("me",)), set()),
    "a root that nothing here stands on": (pinned("fleet/roots/ubuntu-jammy.lock", "tini", version="9"), set()),
    "a leaf family": (append("fleet/families/family-web/Dockerfile"), WEB),
    "a machine's profile": (
        replace("fleet/fleet.toml", "UVICORN_WORKERS = 8", "UVICORN_WORKERS = 6"),
        {"pc2/CentralErrorBus", "pc2/SelfHealingSupervisor"},
    ),
    "a port": (replace("fleet/fleet.toml", "port = 7200", "port = 7299"), {"mainpc/ServiceRegistry"}),
    "a health port": (
        replace("fleet/fleet.toml", "health_port = 8200", "health_port = 8299"),
        {"mainpc/ServiceRegistry"},
    ),
    "tests, requirements and pages": (
        append(
            "fleet/services/ServiceRegistry/requirements.in",
            "fleet/services/ServiceRegistry/openapi.json",
            "fleet/services/ServiceRegistry/tests/conftest.py",
            "fleet/families/family-web/requirements.in",
            "fleet/build/README.md",
        ),
        set(),
    ),
    "a service that is not asked for": (append("fleet/services/SystemDigitalTwin/service.toml"), set()),
}


@pytest.mark.parametrize(("change", "rebuilt"), CHANGES.values(), ids=CHANGES)
def test_a_change_rebuilds_exactly_what_stands_on_it(
    original: Path, tmp_path: Path, change: Callable[[Path], None], rebuilt: set[str]
) -> None:
    copy = checkout(tmp_path)
    change(copy)
    assert changed(planned(original), planned(copy)) == rebuilt


@pytest.mark.parametrize("name", ["debian-bookworm", "debian-bookworm/build"])
def test_a_root_that_is_not_as_locked_is_another_one_and_its_images_say_so(original: Path, name: str) -> None:
    other = planned(original, **{name: Base("sha256:other", as_locked=False)})
    assert changed(planned(original), other) == EVERYTHING
    assert {image.unlocked for image in other.values()} == {(name,)}
    assert {image.unlocked for image in planned(original).values()} == {()}


def test_packages_of_a_family_that_are_not_as_locked_are_told_from_there_on(original: Path) -> None:
    other = planned(original, **{"base-utils": Base("sha256:other", as_locked=False)})
    assert {name for name, image in other.items() if image.unlocked == ("base-utils",)} == EVERYTHING - {"base-python"}
    assert other["base-python"].unlocked == ()


def test_other_tools_rebuild_everything(original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = planned(original)
    monkeypatch.setattr(tools, "versions", lambda: "uv==99")
    assert changed(before, planned(original)) == EVERYTHING


def test_parents_come_before_their_children(original: Path) -> None:
    images = planned(original)
    assert set(images) == EVERYTHING
    seen: set[str] = set()
    for name, image in images.items():
        assert image.parent is None or image.parent in seen
        assert (image.parent is None) == (image.root is not None)
        seen.add(name)
    assert images["base-python"].root == "debian-bookworm"


def test_an_alias_is_its_target(original: Path) -> None:
    fleet = load_fleet(original / "fleet")
    known = bases.expected(fleet, original, ["family-cpu-pydeps"])
    by_alias = family_images(fleet, ["family-cpu-pydeps"], original, known)
    assert by_alias == family_images(fleet, ["base-cpu-pydeps"], original, known)
    assert "family-cpu-pydeps" not in by_alias


def test_instances_carry_what_they_are(original: Path) -> None:
    images = planned(original)
    pc2 = images["pc2/SelfHealingSupervisor"]
    assert pc2.arguments == {
        "SERVICE": "SelfHealingSupervisor",
        "FAMILY": "base-cpu-pydeps",
        "MACHINE": "pc2",
        "HEALTH_PORT": "9008",
        "PYTHON": "3.11",
    }
    assert (pc2.repository, pc2.tag_suffix) == ("ghcr.io/dockwright/self-healing-supervisor", "-pc2")
    assert images["base-python"].tag_prefix == "3.11-slim-"


def test_names_in_a_definition_are_as_bake_takes_them(original: Path) -> None:
    targets = [image.target for image in planned(original).values()]
    assert len(set(targets)) == len(EVERYTHING)
    assert all(
        set(target) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") for target in targets
    )


def test_the_services_of_these_tests_are_implemented(original: Path) -> None:
    assert set(SERVICES) <= set(load_fleet(original / "fleet").implementations)
