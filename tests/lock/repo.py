"""A small repository with the tool in it, whose locks are made from the tests' own index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from dockwright.lock import deb_tasks, debs
from dockwright.lock.debs import Deb
from dockwright.spec.load import load_fleet

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "cases" / "lock"


@dataclass(frozen=True)
class Done:
    """What a command line left."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return f"{self.out}\n{self.err}"


@dataclass(frozen=True)
class Repo:
    """A repository below `root` and the address of its index."""

    root: Path
    index: str

    def environment(self) -> dict[str, str]:
        here = self.root.parent
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("UV_", "PIP_", "XDG_"))}
        return kept | {
            "PYTHONPATH": str(self.root / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(here / "home"),
            "UV_DEFAULT_INDEX": self.index,
            "UV_CACHE_DIR": str(here / "uv"),
            "UV_HTTP_RETRIES": "0",
            "DOCKWRIGHT_STATE": str(here / "state"),
        }

    def words(self, *words: str, verb: str = "lock") -> list[str]:
        return [sys.executable, "-m", "dockwright", verb, *words]

    def lock(self, *words: str) -> Done:
        return self.run("lock", *words)

    def run(self, verb: str, *words: str) -> Done:
        done = subprocess.run(
            self.words(*words, verb=verb),
            env=self.environment(),
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def locks(self) -> dict[str, bytes]:
        """Every lock file with its content, and whatever lies beside them that should not."""
        found = [*self.root.glob("fleet/**/*.lock*"), *self.root.glob("fleet/**/.*")]
        return {str(path.relative_to(self.root)): path.read_bytes() for path in found if path.is_file()}

    def edit(self, file: str, old: str, new: str) -> None:
        text = (self.root / file).read_text()
        assert old in text, f"{file} has no {old!r}"
        (self.root / file).write_text(text.replace(old, new, 1))


def make(folder: Path, index: str) -> Repo:
    """A repository without Python locks; its Debian packages are locked, as no test can ask an archive."""
    root = folder / "repo"
    left_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src" / "dockwright", root / "src" / "dockwright", ignore=left_out)
    shutil.copytree(CASES / "fleet", root / "fleet")
    (folder / "home").mkdir()
    (root / "servicekit").mkdir()
    (root / "servicekit" / "requirements.in").write_text("kit\n")
    fleet = load_fleet(root / "fleet")
    made = {
        "debian": {
            name: Deb(name, "1.0-1", "amd64", "sha256:" + "1" * 64, 1_000_000) for name in ("python3.11", "tini")
        },
        "debian/build": {"python3-pip": Deb("python3-pip", "23.0", "all", "sha256:" + "3" * 64, 1_000_000)},
        "base": {"curl": Deb("curl", "7.88.1-10", "amd64", "sha256:" + "2" * 64, 300_000, ("apt.in",))},
    }
    for task in deb_tasks.tasks(fleet, root).values():
        above = [debs.read(root / path, str(path)) for path in task.above]
        head = {"for": task.name, "inputs": deb_tasks.input_digest(task, fleet, root)}
        head |= {"parent": deb_tasks.parent_digest(above)} if above else {}
        (root / task.file).parent.mkdir(parents=True, exist_ok=True)
        (root / task.file).write_text(debs.render(head, made[task.name].values()))
    return Repo(root, index)
