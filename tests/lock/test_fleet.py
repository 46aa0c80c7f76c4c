"""This repository's own locks: they fit, they keep to the baseline, and everything in them is explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockwright.lock.inventory import Inventory
from dockwright.spec.load import load_fleet

ROOT = Path(__file__).parents[2]
INVENTORY = Inventory(load_fleet(ROOT / "fleet"), ROOT, {})
BUILT = list(INVENTORY.fleet.by_generation())


def test_every_lock_fits_what_it_was_made_from() -> None:
    found = [str(finding) for finding in INVENTORY.findings(INVENTORY.names)]
    assert found == [], "run ./dockwright lock"


def test_every_family_is_locked_by_its_own_lock_or_its_ancestors() -> None:
    assert len(BUILT) == 9
    for name in BUILT:
        chain = {*INVENTORY.fleet.lineage(name), str(INVENTORY.fleet.families[INVENTORY.fleet.lineage(name)[0]].parent)}
        assert chain & {*INVENTORY.deb_locks, *INVENTORY.python_locks}


@pytest.mark.parametrize("name", [name for name in BUILT if INVENTORY.fleet.families[name].gpu])
def test_a_gpu_family_has_cuda_12_1_once(name: str) -> None:
    pins = INVENTORY.python_locks[name].pins
    assert pins["nvidia-cuda-runtime-cu12"].version == "12.1.105"
    libraries = [pin.removesuffix("-cu12") for pin in pins if pin.startswith("nvidia-") and pin != "nvidia-ml-py"]
    assert len(libraries) == len(set(libraries))
    assert not [pin for pin in pins if pin.endswith(("-cu11", "-cu13"))]


def test_torch_is_in_a_chain_once_and_the_one_that_vllm_accepts() -> None:
    torch, llm = (INVENTORY.python_locks[name].pins for name in ("family-torch-cu121", "family-llm-cu121"))
    assert torch["torch"] == llm["torch"] or torch["torch"].hashes == llm["torch"].hashes
    assert f"torch=={torch['torch'].version}" in [via.requirement for via in llm["torch"].via if via.source == "vllm"]


def test_the_family_with_vllm_has_nothing_of_the_stranger() -> None:
    pins = INVENTORY.python_locks["family-llm-cu121"].pins
    assert not {"pyairports", "outlines", "ray"} & set(pins)


def test_legacy_is_as_the_blueprint_wrote_it_and_can_serve() -> None:
    pins = INVENTORY.python_locks["legacy-py310-cpu"].pins
    assert (pins["pydantic"].version, pins["fastapi"].version) == ("1.10.15", "0.110.0")
    assert "uvicorn" in pins


def test_every_pin_has_a_file_a_size_and_somebody_who_asks_for_it() -> None:
    for name, lock in INVENTORY.python_locks.items():
        for pin in lock.pins.values():
            assert pin.file and pin.size and pin.sha256 in pin.hashes, f"{name}: {pin.name}"
            assert pin.via and "the-resolver" not in [via.source for via in pin.via], f"{name}: {pin.name}"


def test_only_what_family_toml_allows_is_a_source() -> None:
    sources = {pin.name for lock in INVENTORY.python_locks.values() for pin in lock.pins.values() if pin.is_source}
    assert sources == {"llama-cpp-python"}


def test_no_lock_names_a_host() -> None:
    for path in ROOT.glob("fleet/**/*.lock"):
        if path.name != "blueprint.lock":
            assert "://" not in path.read_text(), path
