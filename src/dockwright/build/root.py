"""Roots: file systems made by mmdebstrap of exactly the locked packages, the same bytes every time, known by digest."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dockwright.build import repository, slim
from dockwright.build.oci import Layout, read_layout, write_layout
from dockwright.build.packages import Packages
from dockwright.engine import command
from dockwright.engine.state import state_dir
from dockwright.errors import CommandFailed, DockwrightError
from dockwright.lock import deb_tasks
from dockwright.spec.model import Fleet

if TYPE_CHECKING:
    from dockwright.lock.resolver import Stop

Say = Callable[[str], None]
# Every file's time in every root and image: the day on which the blueprint was signed off.
EPOCH = 1754784000

# /bin, /lib and their like lead to /usr. On Debian without these words apt picks `usrmerge`, which brings all of perl;
# Ubuntu's packages say nothing of it.
MERGED = {
    "debian": ("--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr", "--include=usr-is-merged"),
    "ubuntu": (
        '--setup-hook=for name in bin lib lib32 lib64 libx32 sbin; do mkdir -p "$1/usr/$name"; '
        'ln -s "usr/$name" "$1/$name"; done',
    ),
}
# Layouts of a root beyond these go once nobody has used them for so many seconds.
KEPT_LAYOUTS = 3
LATELY = 86400


@dataclass(frozen=True)
class Recipe:
    """What decides a root beside its packages: equal recipes of equal packages give equal bytes."""

    name: str
    distribution: str
    suite: str
    variant: str
    packages: tuple[str, ...]
    purged: tuple[str, ...] = ()
    epoch: int = EPOCH

    @property
    def _words(self) -> str:
        fields = [self.name, self.distribution, self.suite, self.variant, *self.packages, str(self.epoch)]
        return "\0".join([*fields, *MERGED[self.distribution], *slim.options(self.variant, self.purged)])

    def identity(self, of: Packages) -> str:
        """What a root is known by before it is made: its recipe and its packages."""
        return _digest(f"{self._words}\0{of.identity}")

    def folder(self, of: Packages) -> Path:
        """Where the root of these packages lies."""
        return roots_dir() / f"{self.name.replace('/', '.')}-{self.identity(of)[7:23]}"


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def recipe(fleet: Fleet, name: str) -> Recipe:
    """The recipe of a declared root, or with `/build` behind its name of what builder stages on it start from."""
    base = fleet.roots[name.removesuffix(deb_tasks.BUILD)]
    if name.endswith(deb_tasks.BUILD):
        return Recipe(name, base.distribution, base.suite, deb_tasks.BUILDER_VARIANT, deb_tasks.BUILDER)
    return Recipe(name, base.distribution, base.suite, base.variant, base.packages, base.purged)


def arguments(recipe: Recipe, target: Path, sources: list[str]) -> list[str]:
    """The mmdebstrap command that makes a recipe's tar file."""
    words = ["mmdebstrap", "--mode=auto", f"--variant={recipe.variant}", "--format=tar", "--architectures=amd64"]
    words += MERGED[recipe.distribution]
    words += [f"--include={','.join(recipe.packages)}", *slim.options(recipe.variant, recipe.purged)]
    return [*words, recipe.suite, str(target), *sources]


def maker() -> str:
    """The program that makes roots here, with its version: it decides their bytes as well."""
    return command.run(("mmdebstrap", "--version"), timeout=20).stdout.strip()


def roots_dir() -> Path:
    return state_dir() / "roots"


def made(recipe: Recipe, of: Packages) -> Layout | None:
    """The root that an earlier run made; None when there is none."""
    return read_layout(recipe.folder(of))


def make(recipe: Recipe, of: Packages, say: Say, stop: Stop) -> Layout:
    """Make a root unless it is there. `of`: all its packages, which are in the pool.

    Raises CommandFailed with mmdebstrap's words, DockwrightError where the disk is full, Stopped. The layout appears
    under its final name only when it is whole.
    """
    found = made(recipe, of)
    if found:
        os.utime(found.path)
        return found
    say(f"root {recipe.name}: {len(of.debs)} Debian packages of {recipe.suite}")
    final = recipe.folder(of)
    try:
        with _workplace() as work:
            layout = produce(recipe, of, work, say, stop)
            try:
                layout.path.rename(final)
            except OSError:
                if made(recipe, of) is None:
                    raise  # Else another run of the tool was faster, with the same bytes.
    except OSError as error:
        says = f"root {recipe.name} cannot be written to {roots_dir()}: {error.strerror or error}"
        raise DockwrightError(says, "make room there and run it again") from error
    _prune(recipe)
    return Layout(final, layout.digest, layout.size)


def produce(recipe: Recipe, of: Packages, work: Path, say: Say, stop: Stop) -> Layout:
    """A root as a new OCI layout below `work`, whatever this host already has."""

    def stage(line: str) -> None:
        if line.startswith("I: ") and line.endswith("..."):
            say(f"  {recipe.name}: {line[3:]}")

    tar = work / "root.tar"
    with _chroot() as folder:
        sources = repository.write(of, recipe.suite, folder / "archive")
        environment = {"SOURCE_DATE_EPOCH": str(recipe.epoch), "TMPDIR": str(folder), "LC_ALL": "C"}
        code, output = stop.run(arguments(recipe, tar, sources), env=environment, cwd=work, on_line=stage)
        if code and command.NO_ROOM.search(output):
            says = f"root {recipe.name} cannot be made: the disk is full"
            raise CommandFailed(says, f"make room below {work.parent} and {folder.parent}")
        if code:
            raise CommandFailed(f"root {recipe.name} cannot be made", "", output, code)
    created = datetime.fromtimestamp(recipe.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return write_layout(tar, work / "layout", created=created)


@contextmanager
def _workplace() -> Iterator[Path]:
    """A new folder beside the roots; what a run that was killed left goes first."""
    roots_dir().mkdir(parents=True, exist_ok=True)
    for path in roots_dir().glob(".making-*"):
        number = re.match(r"\.making-(\d+)-", path.name)
        if number and not Path(f"/proc/{number[1]}").exists():
            shutil.rmtree(path, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f".making-{os.getpid()}-", dir=roots_dir()))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _chroot() -> Iterator[Path]:
    """A new folder for mmdebstrap: apt and, run by a user, mmdebstrap itself read it as somebody else."""
    folder = Path(tempfile.mkdtemp(prefix="dockwright-root-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        # Were mmdebstrap killed with /proc or /dev in there, nothing of this host may go with them.
        command.run(("rm", "-rf", "--one-file-system", folder), check=False)


def _prune(recipe: Recipe) -> None:
    """Forget layouts of a root that were not used lately; other checkouts on this host have others than this one."""
    name = re.compile(rf"{re.escape(recipe.name.replace('/', '.'))}-[0-9a-f]{{16}}")
    found = [(path.stat().st_mtime, path) for path in roots_dir().iterdir() if name.fullmatch(path.name)]
    for used, path in sorted(found, reverse=True)[KEPT_LAYOUTS:]:
        if used < time.time() - LATELY:
            shutil.rmtree(path, ignore_errors=True)
