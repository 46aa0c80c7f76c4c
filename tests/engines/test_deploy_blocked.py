"""Deploys that something stands in the way of: another deploy, a registry that is gone, nothing to go back to."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from dockwright.rollout import claim, journal
from engines import registry as registries
from engines.conftest import Machine
from engines.rollout import EVERY, SECOND, THIRD, Rollout

pytestmark = [pytest.mark.engines, pytest.mark.scenarios, pytest.mark.timeout(1200)]


def test_two_deploys_at_once(settled: Rollout, tmp_path: Path) -> None:
    """From this host, and from another one that knows the same releases."""
    name = settled.changed("two at once")
    state = tmp_path / "other"
    shutil.copytree(settled.state / "releases", state / "releases")
    other = settled.elsewhere(state)
    heard: list[str] = []

    def deploy_too(_: subprocess.Popen[str]) -> None:
        heard.append(settled.fails("deploy"))
        heard.append(other.fails("deploy"))

    code, said = settled.until(["deploy", "--why", "a new voice"], "wave 1 of 2", deploy_too)
    assert code == 0, said
    here, there = heard
    assert "another ./dockwright up, down or deploy changes what runs here" in here, here
    assert f"mainpc is held by {journal.who()} since 20" in there, there
    assert f"deploy {name} (a new voice)" in there, there
    assert settled.running() == dict.fromkeys(EVERY, name)


def test_what_another_host_left_is_told_with_how_to_remove_it(settled: Rollout) -> None:
    """Whether it is still at work over there cannot be known from here."""
    labels = {"who": "ann@desk", "why": "deploy 20261101-0a1b2c3d4e5f", "since": "2026-11-01T10:00:00+00:00"}
    words = [f"--label={claim.LABEL}.{key}={value}" for key, value in {**labels, "boot": "another"}.items()]
    settled.pair.docker.run("network", "create", "--internal", *words, claim.NAME)
    name = settled.changed("after another host")
    said = settled.fails("deploy")
    assert "pc2 is held by ann@desk since 2026-11-01T10:00:00+00:00: deploy 20261101-0a1b2c3d4e5f" in said, said
    remedy = next(line.partition("DOCKER_HOST=")[2] for line in said.splitlines() if "DOCKER_HOST=" in line)
    assert remedy.endswith(f"docker network rm {claim.NAME}"), remedy
    settled.pair.docker.run("network", "rm", claim.NAME)
    settled.ok("deploy")
    assert settled.running() == dict.fromkeys(EVERY, name)


def test_a_registry_that_is_gone_is_done_without(settled: Rollout, machine: Machine, registry_program: Path) -> None:
    with registries.running(machine.folder / "registry-deploy", registry_program) as registry:
        settled.pair.forward(registry.port)
        tool = settled.told("DOCKWRIGHT_REGISTRY", f"{registry.host}/fleet")
        pulled(settled, tool)
        registry.kill()
        sent(settled, tool)
        nowhere(settled, tool)


def pulled(settled: Rollout, tool: Rollout) -> None:
    """Both machines take what is new from the registry."""
    name = settled.changed("pulled")
    tool.ok("push", SECOND, THIRD)
    done = tool.fleet.run("deploy")
    assert done.returncode == 0, done.stderr
    assert "pc2: pulling 127.0.0.1" in done.stderr, done.stderr
    assert "sent from here" not in done.stderr, done.stderr
    assert tool.running() == dict.fromkeys(EVERY, name)


def sent(settled: Rollout, tool: Rollout) -> None:
    """Without the registry, what this host has is sent from here."""
    name = settled.changed("sent")
    done = tool.fleet.run("deploy")
    assert done.returncode == 0, done.stderr
    assert "is sent from here, as no registry gives it" in done.stderr, done.stderr
    assert tool.running() == dict.fromkeys(EVERY, name)
    assert tool.unwell() == {}


def nowhere(settled: Rollout, tool: Rollout) -> None:
    """What neither has stops nothing."""
    name = settled.changed("nowhere")
    seen = tool.seen()
    tool.dockers["mainpc"].run("image", "rm", "--force", tool.picture(name, SECOND).digest)
    said = tool.fails("deploy")
    assert "is not on pc2, nor here, and no registry gives it" in said, said
    assert f"release {name} was not begun: nothing was changed" in said, said
    assert tool.seen() == seen


def test_a_take_back_that_fails_too_says_how_each_instance_is(settled: Rollout) -> None:
    images = settled.images()
    name = settled.changed("neither forth nor back", "raise SystemExit(3)")

    def lose(_: subprocess.Popen[str]) -> None:
        """What the second wave's instance would go back to is nowhere any more."""
        for docker in settled.dockers.values():
            docker.run("image", "rm", "--force", images[SECOND], check=False)

    code, said = settled.until(["deploy"], "pc2/AsyncProcessor is healthy", lose)
    assert code == 1, said
    assert f"release {name} failed, and taking it back failed as well. These are not as before:" in said, said
    assert "pc2/AsyncProcessor: pc2: " in said, said
    assert f"now: runs {name}, healthy" in said, said
    assert settled.images()[THIRD] == images[THIRD]
    assert settled.running()[SECOND] == name
    assert settled.unwell() == {}
    assert settled.held() == []
