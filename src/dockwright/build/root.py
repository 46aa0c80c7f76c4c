"""Roots: Debian file systems made by mmdebstrap, the same bytes every time, known by digest."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dockwright.build.oci import Layout, read_layout, write_layout
from dockwright.engine import command, install
from dockwright.engine.state import dumps, state_dir, write_atomically

# Every file's time in every root and image: the day on which the blueprint was signed off.
EPOCH = 1754784000

# What a service never reads. dpkg remembers these, so packages of later layers leave them out too.
EXCLUDED = (
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/bash-completion/*",
    "/usr/share/doc/*",
    "/usr/share/lintian/*",
    "/usr/lib/*/gconv/*",
)
KEPT = ("/usr/share/doc/*/copyright",)
# What package scripts want to be there while they run, and nothing wants afterwards.
REMOVED = (
    "usr/lib/python3*/pydoc_data",
    "var/lib/dpkg/info/*.symbols",
    "var/cache/debconf/*-old",
    "var/lib/dpkg/*-old",
)
HOOKS = Path("/usr/share/mmdebstrap/hooks/merged-usr")


@dataclass(frozen=True)
class Recipe:
    """What decides a root: equal recipes at one state of the archive give equal bytes."""

    name: str
    suite: str
    variant: str
    packages: tuple[str, ...]
    epoch: int = EPOCH

    @property
    def key(self) -> str:
        """A short digest of the recipe: the name of its folder."""
        fields = [self.name, self.suite, self.variant, *self.packages, str(self.epoch), *EXCLUDED, *KEPT, *REMOVED]
        return hashlib.sha256("\0".join(fields).encode()).hexdigest()[:16]


def build_recipe(suite: str) -> Recipe:
    """The root that builder stages start from: apt, Python and pip. It is never shipped."""
    return Recipe("build", suite, "apt", ("python3", "python3-pip", "python3-wheel", "ca-certificates"))


def arguments(recipe: Recipe, target: Path, sources: list[str]) -> list[str]:
    """The mmdebstrap command that makes a recipe's tar file."""
    words = ["mmdebstrap", "--mode=auto", f"--variant={recipe.variant}", "--format=tar"]
    # Without this hook apt picks `usrmerge`, which brings all of perl.
    words += [f"--hook-dir={HOOKS}", "--include=usr-is-merged"]
    words += [f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED]
    words += [f"--dpkgopt=path-include={pattern}" for pattern in KEPT]
    words += [f"--include={','.join(recipe.packages)}"]
    words += [f'--customize-hook=rm -rf "$1"/{pattern}' for pattern in REMOVED]
    return [*words, recipe.suite, str(target), *sources]


def roots_dir() -> Path:
    return state_dir() / "roots"


def made(recipe: Recipe) -> Layout | None:
    """The root that an earlier run made from this recipe; None when there is none."""
    return read_layout(roots_dir() / f"{recipe.name}-{recipe.key}")


def make(recipe: Recipe, say: Callable[[str], None]) -> Layout:
    """Make a root unless it is there. Raises CommandFailed with mmdebstrap's words.

    The layout appears under its final name only when it is whole.
    """
    found = made(recipe)
    if found:
        return found
    roots_dir().mkdir(parents=True, exist_ok=True)
    say(f"root {recipe.name}: {recipe.suite} with {', '.join(recipe.packages)}")
    work = Path(tempfile.mkdtemp(prefix=".making-", dir=roots_dir()))

    def stage(line: str) -> None:
        if line.startswith("I: ") and line.endswith("..."):
            say(f"  {line[3:]}")

    try:
        tar = work / "root.tar"
        epoch = {"SOURCE_DATE_EPOCH": str(recipe.epoch)}
        command.stream(arguments(recipe, tar, archive(recipe.suite)), stage, env=epoch)
        created = datetime.fromtimestamp(recipe.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        layout = write_layout(tar, work / "layout", created=created)
        final = roots_dir() / f"{recipe.name}-{recipe.key}"
        shutil.rmtree(final, ignore_errors=True)
        layout.path.rename(final)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    write_atomically(roots_dir() / f"{recipe.name}.json", dumps({"recipe": recipe.key, "digest": layout.digest}))
    return Layout(final, layout.digest, layout.size)


def archive(suite: str) -> list[str]:
    """apt source lines for a suite from this host's own configuration; empty: mmdebstrap's default archive."""
    if install.read_host().distribution != "debian":
        return []
    wanted = (suite, f"{suite}-updates", f"{suite}-security")
    return [f"deb {uri} {name} main" for uri, name in install.debian_sources() if name in wanted]


def ensure_maker(*, allowed: bool, say: Callable[[str], None]) -> None:
    """Install mmdebstrap where it is missing. Raises EngineUnavailable with what to install."""
    if shutil.which("mmdebstrap") is None:
        host = install.read_host()
        install.ensure("mmdebstrap", install.root_plan(host), host, allowed=allowed, say=say)


def recorded() -> dict[str, str]:
    """Root name -> digest, as the last runs made them."""
    return {path.stem: json.loads(path.read_text())["digest"] for path in sorted(roots_dir().glob("*.json"))}
