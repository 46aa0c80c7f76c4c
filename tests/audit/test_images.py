"""What is told of an image: which findings, about whom, in which file and line of the declaration."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from audit.systems import elf, made, package

from dockwright.audit.images import Judge
from dockwright.audit.looked import Looked, programs_run
from dockwright.lock.inventory import Inventory
from dockwright.spec.load import load_fleet

ROOT = Path(__file__).parents[2]
SITE = "/usr/local/lib/python3.11/dist-packages"
VISION = "fleet/families/family-vision-cu121"
ORT = f"{SITE}/onnxruntime/capi/provider.so"
RELEASES = {
    "onnxruntime-gpu==1.26.0": {
        "site": SITE,
        "files": ["onnxruntime/capi/provider.so", "onnxruntime/run.py"],
        "requires": [],
    }
}


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    """This repository's own declaration, for a test to change."""
    shutil.copytree(ROOT / "fleet", tmp_path / "fleet", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    shutil.copytree(ROOT / "servicekit", tmp_path / "servicekit", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    return Inventory(load_fleet(tmp_path / "fleet"), tmp_path, {})


def looked(inventory: Inventory, name: str, files: dict[str, Any], **more: Any) -> Looked:
    fleet = inventory.fleet
    family = name if name in fleet.families else fleet.services[name].family
    return Looked(name, fleet.lineage(family), made(files, **more), ("python3", "tini"))


def told(inventory: Inventory, *images: Looked, of: int = -1) -> list[str]:
    judge = Judge(inventory, {image.name: image for image in images})
    return [f"{finding.severity} {finding.rule} {finding}" for finding in judge.findings(images[of])]


def line(inventory: Inventory, file: str, text: str) -> int:
    lines = (inventory.root / file).read_text().splitlines()
    return next(number for number, one in enumerate(lines, 1) if one.startswith(text))


def test_a_missing_library_names_the_pin_that_wants_it(inventory: Inventory) -> None:
    lock = f"{VISION}/requirements.lock"
    at = line(inventory, lock, "onnxruntime-gpu==")
    image = looked(inventory, "family-vision-cu121", {ORT: elf("libgone.so.1")}, releases=RELEASES)
    first, *stale = told(inventory, image)
    assert first.startswith(
        f"error library {lock}:{at}: libgone.so.1: {ORT} of onnxruntime-gpu needs it, and the image "
    )
    # The reasons that family.toml has are for libraries that this image does not ask for.
    assert len(stale) == 2
    assert all(one.startswith(f"warning library {VISION}/family.toml:") for one in stale)


def test_a_reason_lets_a_library_be_left_out(inventory: Inventory) -> None:
    image = looked(
        inventory, "family-vision-cu121", {ORT: elf("libnvinfer.so.10", "libnvonnxparser.so.10")}, releases=RELEASES
    )
    assert [one.split(" ")[0] for one in told(inventory, image)] == ["info", "info"]
    assert "left out, TensorRT" in told(inventory, image)[0]


def test_what_a_parent_lacks_is_told_there_and_not_again(inventory: Inventory) -> None:
    parent = looked(inventory, "base-cpu-pydeps", {"/usr/lib/x.so": elf("libgone.so")})
    child = looked(inventory, "family-web", {"/usr/lib/x.so": elf("libgone.so"), "/usr/lib/y.so": elf("libmore.so")})
    assert [one.split(": ")[1] for one in told(inventory, parent, child, of=0)] == ["libgone.so"]
    (own,) = told(inventory, parent, child)
    assert own.startswith(
        "error library fleet/families/family-web/Dockerfile:1: libmore.so: /usr/lib/y.so of files of no "
    )
    assert len(told(inventory, child)) == 2


def test_a_missing_version_is_an_error(inventory: Inventory) -> None:
    files = {
        "/usr/lib/x.so": elf("libc.so.6", wants={"libc.so.6": ["GLIBC_2.99"]}),
        "/lib/libc.so.6": elf(gives=["GLIBC_2.2"]),
    }
    (only,) = told(inventory, looked(inventory, "base-python", files))
    assert only.startswith("error library fleet/families/base-python/Dockerfile:1: libc.so.6: /usr/lib/x.so of ")
    assert "version GLIBC_2.99" in only


def test_a_program_that_a_service_runs_must_be_there(inventory: Inventory) -> None:
    calls = [
        ["program", "ffmpeg", "/app/service_registry/app.py", 7],
        ["sought", "sox", "/app/service_registry/app.py", 8],
        ["program", "tool", "/app/service_registry/app.py", 9],
        ["library", "libpulse.so", "/app/service_registry/app.py", 10],
        ["library", "libcuda.so", "/app/service_registry/app.py", 11],
        ["library", "libz.so.1", "/app/service_registry/app.py", 12],
        ["program", "ps", f"{SITE}/servicekit/run.py", 3],
    ]
    image = looked(inventory, "ServiceRegistry", {"/usr/bin/tool": elf(), "/lib/libz.so.1.2": elf()}, calls=calls)
    found = told(inventory, image)
    assert [one.split(": ")[0] for one in found] == [
        "error program fleet/services/ServiceRegistry/service_registry/app.py:7",
        "error program fleet/services/ServiceRegistry/service_registry/app.py:10",
        "error program servicekit/src/servicekit/run.py:3",
    ]


def test_programs_that_packages_name_are_notes(inventory: Inventory) -> None:
    calls = [["program", "nvcc", f"{SITE}/onnxruntime/run.py", 5], ["sought", "nvcc", f"{SITE}/onnxruntime/run.py", 9]]
    image = looked(inventory, "family-vision-cu121", {}, calls=calls, releases=RELEASES)
    (note,) = [one for one in told(inventory, image) if " program " in one]
    assert note.startswith(f"info program {VISION}/requirements.lock:")
    assert note.endswith(
        f": nvcc: onnxruntime-gpu would run it ({SITE}/onnxruntime/run.py:5 and 1 more), and the image has not got it"
    )


def test_what_only_a_packages_makers_run_is_no_note(inventory: Inventory) -> None:
    files = ["tests/a.py", "_distutils/b.py", "testing/c.py", "test_d.py", "setup.py", "run.py"]
    releases = {"numpy==2": {"site": SITE, "files": [f"numpy/{file}" for file in files], "requires": []}}
    calls = [["program", "gfortran", f"{SITE}/numpy/{file}", 1] for file in files]
    calls += [["program", name, f"{SITE}/numpy/run.py", 1] for name in ("-c", ".", "nvidia-smi")]
    found = told(inventory, looked(inventory, "base-cpu-pydeps", {}, calls=calls, releases=releases))
    assert len(found) == 1
    assert f"{SITE}/numpy/run.py:1)" in found[0]


def test_idle_packages_are_told_where_they_are_brought_and_only_if_no_image_uses_them(inventory: Inventory) -> None:
    debian = {
        "status": package("gosu", "perl-base", Installed_Size="2000", Priority="required"),
        "lists": {"gosu": ["/usr/sbin/gosu"], "perl-base": ["/usr/bin/perl"]},
    }
    files = {"/usr/sbin/gosu": elf(), "/usr/bin/perl": elf()}
    bottom = looked(inventory, "base-python", {"/usr/bin/perl": elf()}, **debian)
    middle = looked(inventory, "base-utils", files, **debian)
    top = looked(inventory, "base-cpu-pydeps", files, **debian)
    lock, apt = "fleet/roots/debian-bookworm.lock", "fleet/families/base-utils/apt.lock"
    (perl,) = told(inventory, bottom, middle, top, of=0)
    assert perl.startswith(
        f"info idle {lock}:{line(inventory, lock, 'perl-base=')}: perl-base: nothing in the images links"
    )
    assert "essential to Debian" in perl
    (gosu,) = told(inventory, bottom, middle, top, of=1)
    assert gosu.startswith(f"info idle {apt}:{line(inventory, apt, 'gosu=')}: gosu: ")
    assert told(inventory, bottom, middle, top) == []
    running = Looked("family-web", inventory.fleet.lineage("family-web"), middle.system, ("/usr/sbin/gosu", "perl"))
    assert (
        told(inventory, bottom, middle, top, running, of=0) == told(inventory, bottom, middle, top, running, of=1) == []
    )


def test_what_begins_like_a_compiled_file_and_is_none_is_told_once(inventory: Inventory) -> None:
    parent = looked(inventory, "base-python", {}, broken={"/usr/lib/x.so": "ELFError: short"})
    child = looked(inventory, "base-utils", {}, broken={"/usr/lib/x.so": "ELFError: short"})
    (only,) = told(inventory, parent, child, of=0)
    assert only.startswith("warning library fleet/families/base-python/Dockerfile:1: /usr/lib/x.so: ")
    assert told(inventory, parent, child) == []


@pytest.mark.parametrize(
    ("config", "programs"),
    [
        ({"Entrypoint": ["/usr/bin/tini", "--"], "Cmd": ["python3", "-m", "x"]}, ["/usr/bin/tini", "python3"]),
        ({"Healthcheck": {"Test": ["CMD-SHELL", "curl --fail x || exit 1"]}}, ["sh", "curl"]),
        ({"Healthcheck": {"Test": ["CMD", "/probe", "x"]}, "Cmd": None}, ["/probe"]),
        ({"Healthcheck": {"Test": ["NONE"]}}, []),
        ({}, []),
    ],
)
def test_what_an_image_runs_stands_in_its_configuration(config: dict[str, object], programs: list[str]) -> None:
    assert list(programs_run(config)) == programs


def test_the_package_that_brings_a_missing_library_is_named_where_it_is_known(inventory: Inventory) -> None:
    image = looked(inventory, "base-python", {"/usr/lib/x.so": elf("libgone.so.1")})
    debs: tuple[dict[str, dict[str, tuple[str, ...]]], ...] = (
        {},
        {"debian-bookworm": {"libgone.so.1": ()}},
        {"debian-bookworm": {"libgone.so.1": ("libgone1", "other")}},
    )
    said = [next(Judge(inventory, {image.name: image}, known).findings(image)).message for known in debs]
    assert "(which package brings it is not known here)" in said[0]
    assert "(no package of debian-bookworm brings it)" in said[1]
    assert "(libgone1 or other brings it)" in said[2]
