"""Releases followed on a real engine out of a real registry, by the supervisor as it runs, behind its filter."""

from __future__ import annotations

import json
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from release.made import contents
from running import Running as Process
from running import Surroundings

from dockwright.engine.registry import artifact
from dockwright.engine.registry.artifact import File
from dockwright.release import publish
from dockwright.release.record import Contents, Record
from engines.guarded import Guard, guarding
from engines.registry import Registry
from engines.supervised import HEALTH_PORT, SERVICE, Engine, body, import_image, pushed, slug, until

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]
CRASHES = 'CMD ["/bin/busybox", "false"]'


@dataclass
class Site:
    """A machine that follows: two instances, the second of which waits for the first."""

    engine: Engine
    registry: Registry
    guard: Guard
    folder: Path
    supervisor: Process
    first: str
    second: str
    made: int = 0
    approved: dict[str, str] = field(default_factory=dict)

    @property
    def services(self) -> tuple[str, str]:
        return self.first, self.second

    def image(self, service: str, *changes: str) -> str:
        """A new image of a service, in the registry; its digest."""
        self.made += 1
        return pushed(self.engine, self.folder, self.registry.place, service, f"LABEL number={self.made}", *changes)

    def release(self, images: Mapping[str, str]) -> str:
        """A release with these images, pushed as the tool pushes one; its name."""
        self.made += 1
        name = f"20261125-{self.made:012x}"
        said: Any = contents({f"mainpc/{service}": service for service in images}).model_dump(mode="json")
        for service, digest in images.items():
            said["instances"][f"mainpc/{service}"]["digest"] = f"sha256:{digest}"
        made = Contents.model_validate(said)
        created = datetime.fromtimestamp(time.time() + 60 * self.made, UTC).isoformat(timespec="seconds")
        record = Record(version=1, name=name, created=created, note="", digest=made.digest, contents=made, sizes={})
        file = File(publish.FILE, record.text().encode(), "application/json")
        artifact.push(publish.repository(self.registry.place), publish.KIND, [file], tag=name)
        return name

    def digests(self) -> dict[str, str]:
        """What runs: service -> digest; nothing for one that does not run."""
        asked = ("ps", "--no-trunc", "--format", '{{.Label "io.dockwright.service"}} {{.Image}}')
        rows = [line.split() for line in self.engine.docker(*asked).splitlines() if line.strip()]
        return {row[0]: row[-1].rpartition("sha256:")[2] for row in rows if row[0] in self.services}

    def previous(self) -> dict[str, str]:
        """What the -prev tags name: service -> digest."""
        names = {
            one: f"{self.registry.place}/{slug(one).removeprefix('dockwright-')}:mainpc-prev" for one in self.services
        }
        tagged = self.engine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
        return {
            service: str(json.loads(self.engine.docker("image", "inspect", name))[0]["Id"]).removeprefix("sha256:")
            for service, name in names.items()
            if name in tagged
        }

    def follow(self) -> dict[str, Any]:
        found: dict[str, Any] = self.supervisor.ask("GET", "/v1/follow").json()
        return found

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [line["detail"] for line in self.supervisor.lines if line["message"] == kind]

    def healthy(self) -> bool:
        rows = self.supervisor.ask("GET", "/v1/instances").json()["instances"]
        return all(row["state"] == "healthy" for row in rows)


@pytest.fixture
def site(engine: Engine, registry: Registry, network: str, tmp_path: Path) -> Iterator[Site]:
    tail = uuid.uuid4().hex[:8]
    first, second = f"First{tail}", f"Second{tail}"
    with tempfile.TemporaryDirectory(prefix="dw-") as short:
        home = Path(short)
        around = Surroundings(SERVICE, home, env={"DOCKWRIGHT_FILTER_SOCKET": str(home / "run" / "guard.sock")})
        supervisor = Process(around)
        with guarding(engine, home / "run") as guard:
            made = Site(engine, registry, guard, tmp_path, supervisor, first, second)
            try:
                _roll_out(made, network)
                supervisor.start()
                until(made.healthy)
                yield made
            except BaseException:
                print(supervisor.log)
                raise
            finally:
                supervisor.kill()
                for service in made.services:
                    engine.docker("rm", "--force", slug(service))
                    engine.docker("rmi", "--force", f"{slug(service)}:up")


def _roll_out(site: Site, network: str) -> None:
    """What `up` does: bodies and what is desired, and containers that run."""
    rows = []
    for service in site.services:
        name = slug(service)
        image = import_image(
            site.engine, site.folder, f"{name}:up", f"LABEL org.opencontainers.image.title=mainpc/{service}"
        )
        site.guard.approve(name, body(service, image, network))
        row = {"service": service, "machine": "mainpc", "container": name, "health_port": HEALTH_PORT, "phase": "one"}
        depends = [site.first] if service == site.second else []
        rows.append({**row, "depends": depends, "start_seconds": 20, "image_digest": image})
        site.approved[service] = image.removeprefix("sha256:")
        assert site.guard.ask("POST", f"/containers/create?name={name}")[0] == 201
        assert site.guard.ask("POST", f"/containers/{name}/start")[0] == 204
    follow = {"registry": str(site.registry.place), "release": "latest", "every_seconds": 1}
    desired = {"machine": "mainpc", "written_at": time.time(), "instances": rows, "follow": follow}
    (site.guard.instances.parent / "desired.json").write_text(json.dumps(desired))


def test_a_good_release_is_kept_and_a_bad_one_goes_back_as_one(site: Site) -> None:
    good = {service: site.image(service) for service in site.services}
    kept = site.release(good)
    until(lambda: site.follow()["release"] == kept)
    assert site.digests() == good
    until(site.healthy)
    until(lambda: site.previous() == site.approved)
    bad = site.release({site.first: site.image(site.first), site.second: site.image(site.second, CRASHES)})
    until(lambda: bad in site.follow()["failed"])
    assert site.digests() == good
    until(site.healthy)
    assert "exit code 1" in site.follow()["failed"][bad]
    (witness,) = [
        one
        for one in site.supervisor.ask("GET", f"/v1/evidence?service={site.second}").json()["evidence"]
        if one["kind"] == "did_not_hold"
    ]
    assert witness["exit_code"] == 1
    found = len(site.told("release_found"))
    until(lambda: site.registry.requests("GET", "tags/list") > 2)
    assert len(site.told("release_found")) == found
    assert site.follow()["release"] == kept


def test_without_the_registry_it_heals_and_goes_on_when_that_is_back(site: Site) -> None:
    good = {service: site.image(service) for service in site.services}
    until(lambda: not site.follow()["registry_problem"] and site.registry.requests("GET", "tags/list") > 0)
    site.registry.kill()
    until(lambda: site.told("registry_lost"))
    before = site.engine.docker("inspect", "--format", "{{.State.StartedAt}}", slug(site.first))
    site.engine.docker("kill", "--signal=KILL", slug(site.first))
    until(lambda: site.engine.docker("inspect", "--format", "{{.State.StartedAt}}", slug(site.first)) != before)
    until(site.healthy)
    site.registry.start()
    kept = site.release(good)
    until(lambda: site.follow()["release"] == kept)
    assert site.digests() == good
    assert len(site.told("registry_lost")) == len(site.told("registry_back")) == 1


def test_a_supervisor_that_is_killed_in_the_middle_goes_on_in_its_next_life(site: Site) -> None:
    good = {service: site.image(service) for service in site.services}
    kept = site.release(good)
    until(lambda: site.digests().get(site.first) == good[site.first])
    site.supervisor.kill()
    assert site.digests() != good
    site.engine.docker("rm", "--force", slug(site.second))
    site.supervisor.start()
    until(lambda: site.follow()["release"] == kept)
    assert site.digests() == good
    until(site.healthy)
