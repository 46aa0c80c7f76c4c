"""A checkout of its own with images of a few megabytes: this tool, two machines, three families, many services.

Its roots are made of this host's own shell and what that needs, so nothing is downloaded. Every image is built by the
tool as any other one is; only the Dockerfiles are shorter.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dockwright.build import bases, root
from dockwright.build.oci import Layout, read_layout, write_layout
from dockwright.lock import deb_tasks, debs
from dockwright.spec.load import load_fleet

ROOT = Path(__file__).parents[2]
PROGRAMS = ("dash", "sleep", "cat", "mkdir", "dd")
SUITE = "bookworm"
EPOCH = "2025-08-10T00:00:00Z"
FLEET = """\
version = "1.0"
registry = "registry.invalid/tiny"
tag = "YYYYMMDD-<git_sha>"
instance_tag = "YYYYMMDD-<git_sha>-<machine>"
python = "3.11"
cuda = "12.1"
arch_list = "8.9"

[roots.tiny]
distribution = "debian"
suite = "bookworm"
variant = "essential"

[families.base]
parent = "tiny"
purpose = "what all others stand on"

[families.left]
parent = "base"
purpose = "services with even numbers"

[families.right]
parent = "base"
purpose = "services with odd numbers"
"""
MACHINE = """
[machines.{name}]
gpu = "none"
gpu_memory_mb = 1
gpu_arch = "8.9"
cpus = 2
memory_mb = 1024
profile = {{ OMP_NUM_THREADS = {threads} }}
"""
SERVICE = """\
name = "{name}"
summary = "A service of the tests."
entry = "package.app:create"
memory_mb = 16
"""
FAMILY = """\
FROM {parent} AS runtime
COPY content /families/{name}/
COPY sbom.json /etc/dockwright/
RUN --mount=type=bind,from=scripts,target=/scripts /bin/sh /scripts/work /families/{name}/content
CMD ["/bin/sh"]
"""
INSTANCES = """\
FROM parent AS runtime
COPY . /app/
RUN --mount=type=bind,from=scripts,target=/scripts /bin/sh /scripts/work /app/content
COPY --from=kit kit.py /kit/
ARG MACHINE
COPY --link --from=instance / /
LABEL io.dockwright.machine=${MACHINE}
CMD ["/bin/cat", "/app/content", "/made/app/content"]
"""
# Takes as many seconds as the number in a file `seconds` of the build scripts says.
WORK = """\
set -eu
sleep "$(cat /scripts/seconds)"
mkdir -p "/made${1%/*}"
cat "$1" > "/made$1"
"""


@dataclass(frozen=True)
class Checkout:
    """A generated checkout; its services are named Service0, Service1, …"""

    root: Path
    services: int

    @property
    def instances(self) -> list[str]:
        """Every instance: even services run on one machine, odd ones on the other, the first one on both."""
        return ["one/Service0", "two/Service0", *(f"{machine_of(n)}/Service{n}" for n in range(1, self.services))]

    def service(self, number: int) -> Path:
        return self.root / "fleet" / "services" / f"Service{number}"

    def family(self, name: str) -> Path:
        return self.root / "fleet" / "families" / name

    def write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, message: str) -> None:
        self.git("add", ".")
        self.git("-c", "user.name=t", "-c", "user.email=t@example.invalid", "commit", "--quiet", "-m", message)

    def git(self, *words: str) -> str:
        env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(("git", "-C", self.root, *words), capture_output=True, text=True, check=True, env=env)
        return done.stdout.strip()


def machine_of(number: int) -> str:
    return "two" if number % 2 else "one"


def family_of(number: int) -> str:
    return "right" if number % 2 else "left"


def checkout(folder: Path, services: int, *, seconds: float = 0, size: int = 10) -> Checkout:
    """A committed checkout. `seconds`: how long each image takes to build; `size`: bytes of content in each."""
    made = Checkout(folder, services)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    made.write(folder / ".gitignore", "__pycache__/\n")
    made.write(folder / "servicekit/src/kit.py", "KIT = 1\n")
    made.write(folder / "fleet/build/work", WORK)
    made.write(folder / "fleet/build/family.Dockerfile", "FROM contents AS runtime\n")
    made.write(folder / "fleet/build/seconds", f"{seconds}\n")
    for name in ("base", "left", "right"):
        parent = "root" if name == "base" else "parent"
        made.write(made.family(name) / "Dockerfile", FAMILY.format(name=name, parent=parent))
        made.write(made.family(name) / "content", content(name, size))
        made.write(made.family(name) / "sbom.json", '{"bomFormat": "CycloneDX", "components": []}\n')
    made.write(folder / "fleet/services/Dockerfile", INSTANCES)
    made.write(folder / "fleet/services/Dockerfile.dockerignore", "**/tests\n")
    for number in range(services):
        made.write(made.service(number) / "service.toml", SERVICE.format(name=f"Service{number}"))
        made.write(made.service(number) / "content", content(f"Service{number}", size))
    machines = [MACHINE.format(name=name, threads=threads) for name, threads in (("one", 4), ("two", 2))]
    made.write(folder / "fleet/fleet.toml", "\n".join([FLEET, *machines, "[services]", *_rows(services), ""]))
    fleet = load_fleet(folder / "fleet")
    for task in deb_tasks.tasks(fleet, folder).values():
        made.write(folder / task.file, debs.render({"inputs": deb_tasks.input_digest(task, fleet, folder)}, []))
    made.git("init", "--quiet")
    made.commit("first")
    return made


def _rows(services: int) -> Iterator[str]:
    for number in range(services):
        machines = '["one", "two"]' if number == 0 else f'["{machine_of(number)}"]'
        port = 1024 + 2 * (number % 20_000)
        yield (
            f'Service{number} = {{ machines = {machines}, needs = ["CPU"], family = "{family_of(number)}", '
            f"port = {port}, health_port = {port + 1} }}"
        )


def content(name: str, size: int) -> str:
    """As many bytes that hardly compress, the same for a name each time."""
    import random

    made = random.Random(name)  # noqa: S311 - content, not a secret
    return f"{name} " + "".join(made.choices("0123456789abcdef", k=size)) + "\n"


def roots(made: Checkout) -> dict[str, Layout]:
    """The checkout's roots by name, made of this host's own shell below the state directory, once."""
    fleet = load_fleet(made.root / "fleet")
    found = {}
    for name, of in bases.expected_packages(fleet, made.root, fleet.families, locked=True).items():
        folder = root.recipe(fleet, name).folder(of)
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            layer = folder.with_suffix(".tar")
            _shell(layer, name.replace("/", "-"))
            write_layout(layer, folder, created=EPOCH)
        layout = read_layout(folder)
        assert layout
        found[name] = layout
    return found


def _shell(target: Path, name: str) -> None:
    """A tar file with a shell, a few programs and the libraries that these are linked to."""
    files: dict[str, Path] = {}
    for program in PROGRAMS:
        found = shutil.which(program)
        assert found, f"{program} is not on this host"
        files[f"bin/{program}"] = Path(found).resolve()
        said = subprocess.run(("ldd", found), capture_output=True, text=True, check=True).stdout
        files |= {path.lstrip("/"): Path(path).resolve() for path in re.findall(r"(/\S+) \(0x", said)}
    files["bin/sh"] = files["bin/dash"]
    with tarfile.open(target, "w") as archive:
        for folder in ("tmp", "etc", "proc", "sys", "dev"):
            _folder(archive, folder)
        for path, source in sorted(files.items()):
            archive.add(source, path, filter=_plain)
        entry = _plain(tarfile.TarInfo(f"root-{name}"))
        archive.addfile(entry)


def _folder(archive: tarfile.TarFile, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    archive.addfile(entry)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755
    return entry
