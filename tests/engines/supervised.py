"""Tiny instances for tests on a real engine: one static binary, a health answer to be spoiled, the fleet's labels."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from dockwright.engine.registry.place import Place

IMAGE = "dockwright-test-tiny"
SERVICE = Path(__file__).resolve().parents[2] / "fleet" / "services" / "SelfHealingSupervisor"
HEALTH_PORT = 8000
COMMAND = ["/bin/busybox", "nc", "-ll", "-p", str(HEALTH_PORT), "-e", "/answer"]
ANSWER = """#!/bin/sh
read line
status="200 OK"; body='{"status":"ok"}'
if [ -f /tmp/unwell ]; then
  status="503 Service Unavailable"; body='{"status":"unhealthy","reasons":["a peer is lost"]}'
fi
printf 'HTTP/1.1 %s\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n%s' "$status" "${#body}" "$body"
"""


class Engine(Protocol):
    @property
    def socket(self) -> Path: ...

    def docker(self, *args: str) -> str: ...


def static_busybox(folder: Path) -> Path:
    """A busybox that needs no libraries: this machine's, or the distribution's package, unpacked but not installed."""
    found = shutil.which("busybox")
    if found and b"not a dynamic" in subprocess.run(["ldd", found], capture_output=True, check=False).stderr:
        return Path(found)
    got = subprocess.run(["apt-get", "download", "busybox-static"], cwd=folder, capture_output=True, check=False)
    packages = list(folder.glob("busybox-static_*.deb"))
    if got.returncode or not packages:
        pytest.skip("no static busybox here, and apt-get cannot download one")
    subprocess.run(["dpkg-deb", "-x", str(packages[0]), str(folder)], check=True)
    return next(path for path in (folder / "bin/busybox", folder / "usr/bin/busybox") if path.exists())


def import_image(engine: Engine, folder: Path, name: str = IMAGE, *changes: str) -> str:
    """Makes an image under a name; its id. `changes`: more of it, as a Dockerfile says it."""
    archive = folder / "tiny.tar"
    if not archive.exists():
        _write(archive, folder)
    said = (f"CMD {json.dumps(COMMAND)}", "USER 10001:10001", *changes)
    engine.docker("import", *(f"--change={one}" for one in said), str(archive), name)
    return str(json.loads(engine.docker("image", "inspect", name))[0]["Id"])


def _write(archive: Path, folder: Path) -> None:
    """A root file system with a shell, and a script that answers HTTP."""
    with tarfile.open(archive, "w") as tar:
        for name in ("bin", "tmp"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(entry)
        tar.add(static_busybox(folder), "bin/busybox")
        link = tarfile.TarInfo("bin/sh")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        tar.addfile(link)
        script = tarfile.TarInfo("answer")
        script.size, script.mode = len(ANSWER), 0o755
        tar.addfile(script, io.BytesIO(ANSWER.encode()))


def pushed(engine: Engine, folder: Path, place: Place, service: str, *changes: str, title: str = "") -> str:
    """An image that says what it was built for, in a registry and no longer here; its digest, hexadecimal."""
    named = f"{place}/{slug(service).removeprefix('dockwright-')}:one"
    label = f"LABEL org.opencontainers.image.title={title or f'mainpc/{service}'}"
    import_image(engine, folder, named, label, *changes)
    said = engine.docker("push", named)
    engine.docker("rmi", named)
    return said.rpartition("digest: sha256:")[2].split()[0]


def slug(service: str) -> str:
    return "dockwright-" + "".join("-" + c.lower() if c.isupper() else c for c in service).lstrip("-")


def labels(service: str) -> dict[str, str]:
    return {
        "io.dockwright.fleet": "dockwright",
        "io.dockwright.role": "instance",
        "io.dockwright.service": service,
        "io.dockwright.machine": "mainpc",
    }


def body(service: str, image: str, network: str) -> dict[str, Any]:
    """What `dockwright up` would approve for this service. `image` by digest or id."""
    return {
        "Image": image,
        "Labels": labels(service),
        "HostConfig": {
            "Memory": 64 * 2**20,
            "MemorySwap": 64 * 2**20,
            "PidsLimit": 32,
            "NanoCpus": 1_000_000_000,
            "NetworkMode": network,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "2"}},
            "Tmpfs": {"/tmp": "size=1m,mode=1777,noexec,nosuid,nodev"},
        },
        "NetworkingConfig": {"EndpointsConfig": {network: {"Aliases": [slug(service)]}}},
    }


def start(engine: Engine, service: str) -> str:
    """Runs an instance by hand; its container's full id."""
    said = [f"--label={key}={value}" for key, value in labels(service).items()]
    return engine.docker("run", "--detach", "--name", slug(service), *said, IMAGE).strip()


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    """Waits for something to become true; a deadline that only something broken reaches."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.1)
