"""A small fleet whose Debian packages are locked from the real archive, and what stands on it, made in this process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from dockwright.build.bases import Made, Maker
from dockwright.engine import install
from dockwright.lock import apt, deb_tasks
from dockwright.lock.resolver import Stop
from dockwright.spec.load import load_fleet

CASES = Path(__file__).parents[1] / "cases" / "lock"
ROOT_LOCK = Path("fleet/roots/debian.lock")
FAMILY_LOCK = Path("fleet/families/base/apt.lock")


def repository(folder: Path) -> Path:
    """The fleet of tests/cases/lock with a root without programs, locked now."""
    root = folder / "repo"
    shutil.copytree(CASES / "fleet", root / "fleet")
    file = root / "fleet" / "fleet.toml"
    old = 'variant = "essential"\npackages = ["python3.11", "tini"]'
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, 'variant = "extract"\npackages = ["base-files", "libc6"]'))
    (root / "fleet" / "families" / "base" / "apt.in").write_text("dumb-init\n")
    fleet = load_fleet(root / "fleet")
    # Nothing here is built, so builders need no lock.
    apt.make(fleet, [task for task in deb_tasks.tasks(fleet, root).values() if not task.builds], root, Stop())
    return root


def ensure(root: Path, *, locked: bool = False, family: bool = True) -> tuple[Made, list[str]]:
    """The small root and the packages of the family on it, and what was said meanwhile."""
    said: list[str] = []
    with Maker(load_fleet(root / "fleet"), root, locked=locked, install=False, files=False, say=said.append) as maker:
        maker.ensure({"debian": ["debian", *(["base"] if family else [])]})
    return maker.made, said


@contextmanager
def snapshots() -> Iterator[str]:
    """A snapshot service that sends everybody on to the archive itself; its address as $DOCKWRIGHT_SNAPSHOT has it."""
    archives = {uri.rstrip("/").rpartition("/")[2]: uri.rstrip("/") for uri, _ in install.debian_sources()}

    class Service(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            _, archive, _, rest = self.path.split("/", 3)
            self.send_response(302 if rest else 200)
            if rest:
                self.send_header("Location", f"{archives[archive]}/{rest}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/@ARCHIVE@/@SNAPSHOTID@/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
