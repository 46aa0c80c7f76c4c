"""The bill of materials of an image, held against what dpkg and Python say inside of it."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from dockwright.build import sbom
from dockwright.build.sbom import Sbom
from engines.conftest import Running

CONFINED = ("--pull=never", "--read-only", "--network=none", "--cap-drop=ALL", "--security-opt=no-new-privileges")
PYTHON = "from importlib.metadata import distributions as d\nfor one in d(): print(one.metadata['Name'], one.version)"


def inside(engine: Running, image: str, *words: str) -> str:
    """What a command prints in a container that is confined as every instance is."""
    return engine.docker("run", "--rm", *CONFINED, "--tmpfs=/tmp", image, *words)


def bill(engine: Running, image: str) -> bytes:
    return inside(engine, image, "cat", sbom.PATH).encode()


def _debian(status: str) -> set[tuple[str, str]]:
    """The packages that dpkg counts as installed: this machine's dpkg, since images have none."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "status").write_text(status)
        shown = ("--show", "--showformat", "${db:Status-Abbrev}|${Package}|${Version}\n")
        command = ("dpkg-query", f"--admindir={folder}", *shown)
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = (line.split("|") for line in done.stdout.splitlines())
    return {(package, version) for state, package, version in found if state.strip() == "ii"}


def checked(engine: Running, image: str, data: bytes) -> Sbom:
    """The document, which fits its schema and names exactly what is installed."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(data.decode()) is None
    found = sbom.read(data, image)
    told = {kind: {(one.name, one.version) for one in found.components if one.kind == kind} for kind in ("deb", "pypi")}
    assert told["deb"] == _debian(inside(engine, image, "cat", "/var/lib/dpkg/status"))
    python = inside(engine, image, "python3", "-c", PYTHON).splitlines()
    assert told["pypi"] == {(line.split()[0], line.split()[1]) for line in python}
    packages = [one for one in found.components if not one.within]
    assert len(packages) == len(told["deb"]) + len(told["pypi"]) > 20
    assert {one.hash_of for one in packages} <= {"deb", "wheel", "sdist"}, "every file is known"
    print(f"{image}: {len(packages)} packages, {len(found.components) - len(packages)} within, {len(data)} bytes")
    return found
