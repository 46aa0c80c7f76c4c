"""Which wheels belong to an image's lock, under which name they are kept, and which files are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from build.small import ROOT, checkout, planned

from dockwright.build import bases, collect, wheelhouse, wheels
from dockwright.build.images import plan_images
from dockwright.build.wheels import Wanted
from dockwright.errors import DockwrightError
from dockwright.lock.pins import Pin, read_lock
from dockwright.spec.load import load_fleet

CPU = Path("fleet/families/base-cpu-pydeps/requirements.lock")
WEB = Path("fleet/families/family-web/requirements.lock")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return checkout(tmp_path)


def of(root: Path, name: str) -> Wanted:
    images = planned(root)
    found = wheels.wanted(images, images[name])
    assert found is not None
    return found


def files(wanted: Wanted) -> dict[str, str]:
    return {pin.file: pin.sha256 for pin in wanted.pins.values()}


def test_a_lock_stands_for_what_the_parent_does_not_have(root: Path) -> None:
    images = planned(root)
    assert wheels.wanted(images, images["base-python"]) is None
    cpu, web = of(root, "base-cpu-pydeps"), of(root, "family-web")
    assert set(cpu.pins) == set(read_lock(root / CPU))
    assert set(web.pins) == set(read_lock(root / WEB)) - set(cpu.pins)
    assert cpu.tag.startswith("base-cpu-pydeps-")
    service = of(root, "mainpc/SelfHealingSupervisor")
    assert service.tag.startswith("self-healing-supervisor-")
    assert service.key == of(root, "pc2/SelfHealingSupervisor").key, "wheels do not depend on the machine"


def test_the_name_follows_from_the_pins_and_from_nothing_else(root: Path) -> None:
    before = of(root, "base-cpu-pydeps").key
    (root / CPU).write_text((root / CPU).read_text().replace("# inputs: sha256:", "# inputs: sha256:0"))
    (root / CPU.parent / "Dockerfile").write_text("FROM build AS wheels\n")
    assert of(root, "base-cpu-pydeps").key == before
    pin = next(iter(read_lock(root / CPU).values()))
    (root / CPU).write_text((root / CPU).read_text().replace(pin.hashes[0], "sha256:" + "0" * 64))
    assert of(root, "base-cpu-pydeps").key != before


def test_what_is_compiled_depends_on_how_as_well(root: Path) -> None:
    text = (root / CPU).read_text()
    pin = read_lock(root / CPU)["numpy"]
    (root / CPU).write_text(text.replace(pin.file, f"numpy-{pin.version}.tar.gz"))
    before = of(root, "base-cpu-pydeps").key
    (root / CPU.parent / "Dockerfile").write_text("FROM build AS wheels\n")
    assert of(root, "base-cpu-pydeps").key != before


def test_the_wheels_of_the_lock_are_the_ones(root: Path) -> None:
    wanted = of(root, "family-web")
    wheels.check(wanted, files(wanted), "here")
    text = wheels.requirements(files(wanted))
    assert text.splitlines() == sorted(text.splitlines(), key=str.lower)
    assert {line.partition("==")[0] for line in text.splitlines()} == set(wanted.pins)
    assert all(
        line.endswith(f" --hash={pin.sha256}")
        for line, pin in zip(
            sorted(text.splitlines()), (wanted.pins[name] for name in sorted(wanted.pins)), strict=True
        )
    )


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, ""])
def test_other_bytes_are_refused(root: Path, digest: str) -> None:
    wanted = of(root, "family-web")
    file = wanted.pins["websockets"].file
    with pytest.raises(DockwrightError, match=f"here: {file} is not the file that family-web's lock names"):
        wheels.check(wanted, {**files(wanted), file: digest}, "here")


@pytest.mark.parametrize(
    "file", ["stranger-1.0-py3-none-any.whl", "websockets-0.1-py3-none-any.whl", "notes.txt", "delta.lock", "../x.whl"]
)
def test_strangers_are_refused(root: Path, file: str) -> None:
    wanted = of(root, "family-web")
    with pytest.raises(DockwrightError, match="is no wheel of family-web's lock"):
        wheels.check(wanted, {**files(wanted), file: "sha256:" + "0" * 64}, "here")


def test_a_wheel_that_is_missing_and_one_too_many(root: Path) -> None:
    wanted = of(root, "family-web")
    all_files = files(wanted)
    file = wanted.pins["websockets"].file
    with pytest.raises(DockwrightError, match="the wheel of websockets is missing") as caught:
        wheels.check(wanted, {name: digest for name, digest in all_files.items() if name != file}, "here")
    assert caught.value.remedy == "./dockwright push --wheels family-web"
    second = file.replace("-cp311-cp311-", "-cp311-abi3-")
    with pytest.raises(DockwrightError, match="two wheels of websockets"):
        wheels.check(wanted, {**all_files, second: all_files[file]}, "here")


def test_a_compiled_wheel_is_the_one_that_its_maker_recorded(root: Path) -> None:
    wanted = of(root, "family-web")
    pin = wanted.pins["websockets"]
    source = replace(wanted, pins={**wanted.pins, pin.name: replace(pin, file=f"websockets-{pin.version}.tar.gz")})
    said = {**files(wanted), pin.file: "sha256:" + "0" * 64}
    wheels.check(source, said, "here")
    assert wheels.compiled(source, said) == {pin.file}


def test_every_lock_of_the_fleet_names_wheels_that_are_its_own() -> None:
    fleet = load_fleet(ROOT / "fleet")
    families = [name for name in fleet.by_generation() if (ROOT / "fleet" / "families" / name / "Dockerfile").is_file()]
    instances = [each for each in fleet.instances() if each.service in fleet.implementations]
    known = bases.identities(fleet, bases.expected_packages(fleet, ROOT, families, locked=False))
    images = plan_images(fleet, families, instances, ROOT, known)
    compiled: set[str] = set()
    for image in images.values():
        wanted = wheels.wanted(images, image)
        if wanted:
            made = {source(pin): pin.sha256 for pin in wanted.pins.values()}
            wheels.check(wanted, made, image.name)
            compiled |= wheels.compiled(wanted, made)
    assert compiled == {"llama_cpp_python-0.3.36-cp311-cp311-linux_x86_64.whl"}


def source(pin: Pin) -> str:
    """The wheel that an image takes of a pin; where there is only its source, the one that is made of it."""
    name = pin.name.replace("-", "_")
    return f"{name}-{pin.version}-cp311-cp311-linux_x86_64.whl" if pin.is_source else pin.file


def test_a_folder_takes_the_place_of_the_stage_in_one_target_only(tmp_path: Path) -> None:
    targets = {name: {"contexts": {"parent": "x"}, "tags": ["t"]} for name in ("one", "two")}
    made: dict[str, object] = wheelhouse.in_place_of_downloads({"target": targets, "group": {}}, {"one": tmp_path})
    assert made["target"] == {
        "one": {"contexts": {"parent": "x", "wheels": str(tmp_path)}, "tags": ["t"]},
        "two": {"contexts": {"parent": "x"}, "tags": ["t"]},
    }


def test_collecting_writes_a_folder_and_stores_no_image(tmp_path: Path) -> None:
    definition = {"target": {"one": {"output": ["type=docker"], "tags": ["t"], "target": "runtime"}}}
    made = collect.only_wheels(definition, "one", tmp_path / "into", tmp_path)
    assert made["group"] == {"default": {"targets": ["collected"]}}
    targets = made["target"]
    assert isinstance(targets, dict)
    assert targets["one"] == {"output": ["type=cacheonly"], "tags": [], "target": "wheels"}
    assert targets["collected"]["output"] == [f"type=local,dest={tmp_path / 'into'}"]


def test_the_list_of_what_is_installed_is_the_one_that_is_read(root: Path) -> None:
    """Where install-wheels finds no list it installs nothing, and says nothing."""
    scripts = root / "fleet" / "build"
    assert f'[ -s "$1/{wheels.INSTALLED}" ]' in (scripts / "install-wheels").read_text()
    assert f'(folder / "{wheels.INSTALLED}").read_text()' in (scripts / "slim_wheels.py").read_text()
