"""Why tests cannot run on a machine is said in words that tell what is missing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from plugins import abilities

from dockwright.engine import install

EVERYTHING = (1 << 41) - 1


@pytest.fixture
def able(monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config, tmp_path: Path) -> pytest.MonkeyPatch:
    """A Linux machine where root can do everything and Docker is installed."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(abilities, "effective_capabilities", lambda: EVERYTHING)
    monkeypatch.setattr(abilities, "capable_client", lambda: tmp_path / "docker")
    monkeypatch.setattr(abilities.shutil, "which", lambda *_, **__: "/usr/sbin/dockerd")  # type: ignore[attr-defined]
    for name in ("fast", "no_install"):
        monkeypatch.setattr(pytestconfig.option, name, False)
    return monkeypatch


def test_a_machine_that_can_do_everything_has_no_reason(able: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    assert abilities.no_engine(pytestconfig) == ""


def test_each_reason_has_its_words(able: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    host = install.Host("fedora", "41", "", root=True, apt=False)
    able.setattr(install, "read_host", lambda: host)
    able.setattr(abilities, "capable_client", lambda: None)
    assert abilities.no_engine(pytestconfig) == "Docker is missing and cannot be installed on fedora 41"
    able.setattr(pytestconfig.option, "no_install", True)
    assert abilities.no_engine(pytestconfig) == "Docker is missing and --no-install forbids installing it"
    able.setattr(abilities, "effective_capabilities", lambda: EVERYTHING & ~(1 << abilities.CAP_SYS_ADMIN))
    assert "no say over networks and mounts" in abilities.no_engine(pytestconfig)
    able.setattr(os, "geteuid", lambda: 1000)
    assert abilities.no_engine(pytestconfig) == "only root can start Docker engines"
    able.setattr(sys, "platform", "darwin")
    assert abilities.no_engine(pytestconfig) == "Docker engines of the tests' own need Linux"
    able.setattr(pytestconfig.option, "fast", True)
    assert abilities.no_engine(pytestconfig) == "left out by --fast"


def test_docker_that_is_missing_but_can_be_installed_is_no_reason(
    able: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    able.setattr(install, "read_host", lambda: install.Host("debian", "12", "bookworm", root=True, apt=True))
    able.setattr(abilities, "capable_client", lambda: None)
    assert abilities.no_engine(pytestconfig) == ""


def test_the_kernels_own_word_on_capabilities_is_read() -> None:
    assert 0 <= abilities.effective_capabilities() < 1 << 64


def test_scenarios_are_played_where_asked(able: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    able.setattr(pytestconfig.option, "scenarios", False)
    assert abilities.no_scenarios(pytestconfig).endswith("where asked: ./dockwright test --all")
    able.setattr(pytestconfig.option, "scenarios", True)
    assert abilities.no_scenarios(pytestconfig) == ""


def test_gpu_families_are_built_where_asked_and_where_there_is_room(
    able: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    able.setattr(pytestconfig.option, "gpu_families", False)
    assert abilities.no_gpu_families(pytestconfig) == "GPU families are built where asked: ./dockwright test --all"
    able.setattr(pytestconfig.option, "gpu_families", True)
    able.setattr(abilities, "ROOM", 0)
    assert abilities.no_gpu_families(pytestconfig) == ""
    able.setattr(abilities, "ROOM", 2**60)
    assert "of disk, and there are" in abilities.no_gpu_families(pytestconfig)
