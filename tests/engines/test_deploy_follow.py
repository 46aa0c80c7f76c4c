"""Two machines that were told to follow: their supervisors bring what is tagged next.

The registry is as people have one: TLS with a certificate of their own, and only who is logged in gets anything.
"""

from __future__ import annotations

import base64
import json
import shutil
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dockwright.engine.registry import place
from dockwright.engine.registry.place import Place
from engines import registry as registries
from engines.conftest import Machine
from engines.registry import Registry
from engines.rollout import EVERY, SECOND, THIRD, Rollout, wait
from engines.two import _KEY, MAIN_IP, OTHER_IP, _openssl

pytestmark = [pytest.mark.engines, pytest.mark.scenarios, pytest.mark.timeout(1200)]
PORT = 5443
PLACE = Place(f"{MAIN_IP}:{PORT}", "fleet")
PATIENCE = 240.0  # the registry is asked once a minute


@pytest.fixture(scope="module")
def public(machine: Machine, registry_program: Path) -> Iterator[Registry]:
    """A registry that both machines reach, with a certificate that they trust."""
    folder = machine.folder / "public-registry"
    folder.mkdir()
    certificate, key = folder / "server.pem", folder / "key.pem"
    said = ("-subj", "/CN=tests", "-addext", f"subjectAltName=IP:{MAIN_IP}", "-keyout", key, "-out", certificate)
    _openssl("req", "-x509", *_KEY, "-days", "2", *said)
    trusted = place.CERTIFICATES / PLACE.host
    trusted.mkdir(parents=True)
    tls = {"certificate": str(certificate), "key": str(key)}
    settings = {**registries.wants_password(folder), "http": {"addr": f":{PORT}", "tls": tls}}
    made = Registry(folder, registry_program, PORT, settings)
    try:
        (trusted / "ca.crt").write_bytes(certificate.read_bytes())
        made.start()
        yield made
    finally:
        made.kill()
        shutil.rmtree(trusted)


@pytest.fixture(scope="module")
def following(bare: Rollout, public: Registry) -> Rollout:
    """A release is healthy on both machines, and both follow."""
    file = Path(bare.fleet.environ["DOCKWRIGHT_MACHINES"])
    said = f'follow = "release"\nregistry = "{PLACE}"\nlogin = true\n'
    file.write_text(file.read_text().replace("\n\n[pc2]", f"\n{said}\n[pc2]") + said)
    # The registry's own configuration lies beside: Docker's has a folder of its own.
    home = public.folder / "docker"
    home.mkdir()
    auth = base64.b64encode(f"{registries.USER}:{registries.PASSWORD}".encode()).decode()
    (home / "config.json").write_text(json.dumps({"auths": {PLACE.host: {"auth": auth}}}))
    logged_in = replace(bare.fleet, environ={**bare.fleet.environ, "DOCKER_CONFIG": str(home)})
    bare = replace(bare, fleet=logged_in)
    bare.release("what was healthy before")
    assert bare.json("deploy")["end"] == "done"
    return bare


def published(rollout: Rollout, message: str) -> str:
    """A release of what the checkout holds, in the registry with its images; its name."""
    name = rollout.release(message)
    rollout.ok("push", "--registry", str(PLACE))
    rollout.ok("release", "push", name, "--registry", str(PLACE))
    return name


def follow(machine: str) -> dict[str, Any]:
    address = MAIN_IP if machine == "mainpc" else OTHER_IP
    with urllib.request.urlopen(f"http://{address}:7009/v1/follow", timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def test_both_machines_bring_what_is_tagged_next(following: Rollout) -> None:
    before = following.seen()
    for each in (SECOND, THIRD):
        following.behave(each, "# one line more")
    name = published(following, "a line more in each")
    wait(lambda: {follow(machine)["release"] for machine in ("mainpc", "pc2")} == {name}, PATIENCE)
    assert following.running()[SECOND] == following.running()[THIRD] == name
    after = following.seen()
    assert {each for each in EVERY if before[each] != after[each]} == {SECOND, THIRD}
    assert following.unwell() == {}
    told = following.json("status")
    assert told["well"], told
    for docker in following.dockers.values():
        shown = docker.run("inspect", *docker.run("ps", "--quiet").split())
        assert registries.PASSWORD not in shown


def test_one_that_cannot_hold_goes_back_where_it_cannot(following: Rollout) -> None:
    images = following.images()
    following.behave(THIRD, 'raise SystemExit("the model is not there")')
    name = published(following, "crashes")
    wait(lambda: name in follow("mainpc")["failed"], PATIENCE)
    assert following.images()[THIRD] == images[THIRD]
    assert following.unwell() == {}
    assert "exit code" in follow("mainpc")["failed"][name]
    wait(lambda: following.held() == [])


def test_a_deploy_that_fails_goes_back_to_what_was_brought(following: Rollout) -> None:
    """Not to what was rolled out last: that would be a step back. Whoever is not touched stays as it was brought."""
    for each in (SECOND, THIRD):
        following.behave(each, "# two lines more")
    app = following.made.root / "fleet" / "services" / "ServiceRegistry" / "service_registry" / "app.py"
    app.write_text(app.read_text() + "# one line more\n")
    brought = published(following, "two lines more in each, and one in the registry")
    wait(lambda: {follow(machine)["release"] for machine in ("mainpc", "pc2")} == {brought}, PATIENCE)
    images, seen = following.images(), following.seen()
    bad = following.changed("crashes in a deploy", 'raise SystemExit("the model is not there")')
    said = following.fails("deploy")
    back = f"{brought} (as the supervisor brought it)"
    assert f"everything goes back to {back}" in said, said
    assert f"release {bad} was taken back: 2 instances went back to {back}" in said, said
    assert following.images() == images
    assert {each for each in EVERY if following.seen()[each] != seen[each]} == {SECOND, THIRD}
    told = following.json("status")
    assert told["well"], told
    kept = dict.fromkeys(("mainpc", "pc2"), f"{brought}-followed")
    assert following.json("deploy", "--dry-run")["back_to"] == kept, "it is what runs, and stays the way back"
    assert following.json("rollback", "--dry-run")["release"] == following.records()[0].name
    good = following.changed("good after all")
    assert following.json("deploy")["end"] == "done"
    assert following.running() == dict.fromkeys(EVERY, good)
    told = following.json("status")
    assert told["well"], told
    assert following.json("rollback", "--dry-run")["release"] == brought
