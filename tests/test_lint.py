"""Dockerfiles and shell scripts are linted: the repository's own are content, and what is wrong is seen."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

import pytest
from test_repository import ROOT, tracked

HADOLINT = ("hadolint", "--config", str(ROOT / ".hadolint.yaml"))
SHELLCHECK = ("shellcheck", "--format=gcc")
BAD = """\
FROM registry.test/debian:latest
RUN cd /srv && apt-get update && apt-get install curl
RUN rm -rf $target/*
MAINTAINER somebody
"""
SEEN = {
    "DL3007": "a tag that moves",
    "DL3008": "no version",
    "DL3015": "recommended packages",
    "DL4000": "MAINTAINER",
    "SC2086": "the shell inside",
}


def lint(program: tuple[str, ...], *paths: Path) -> subprocess.CompletedProcess[str]:
    """Run one of the linters that the test environment brings along as programs."""
    command = [f"{sysconfig.get_path('scripts')}/{program[0]}", *program[1:], *map(str, paths)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def dockerfiles() -> list[Path]:
    """Those of families and services, of test cases, and any other: found by their names."""
    return [path for path in tracked() if path.name.endswith("Dockerfile") or path.name.startswith("Dockerfile.")]


def scripts() -> list[Path]:
    """Every file that a shell is to run."""
    shells = (b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash")
    return [path for path in tracked() if path.read_bytes().startswith(shells)]


def test_every_dockerfile_is_clean() -> None:
    found = [path for path in dockerfiles() if path.suffix != ".dockerignore"]
    assert len(found) > 9
    done = lint(HADOLINT, *found)
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)


def test_a_bad_dockerfile_is_found_with_the_repositorys_own_settings(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(BAD)
    done = lint(HADOLINT, tmp_path / "Dockerfile")
    assert done.returncode == 1
    assert [rule for rule in SEEN if rule not in done.stdout] == []


def test_every_ignored_rule_has_its_reason_above_it() -> None:
    found = 0
    for path in dockerfiles():
        lines = path.read_text().splitlines()
        for above, line in zip(["", *lines], lines, strict=False):
            if "hadolint" in line and "ignore=" in line:
                found += 1
                assert above.startswith("# ") and "ignore=" not in above, f"{path}: {line}"
    assert found > 2


def test_every_shell_script_is_clean() -> None:
    found = scripts()
    assert {ROOT / "dockwright", ROOT / "fleet" / "build" / "make-user"} <= set(found)
    done = lint(SHELLCHECK, *found)
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)


def test_a_bad_shell_script_is_found(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("#!/bin/sh\ncd $1\nrm -rf $2/*\n")
    done = lint(SHELLCHECK, tmp_path / "bad")
    assert done.returncode == 1
    assert all(rule in done.stdout for rule in ("SC2086", "SC2164", "SC2115"))
