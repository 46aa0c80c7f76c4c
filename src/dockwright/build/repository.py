"""An archive of exactly some packages, in one folder: what mmdebstrap makes a root from, and nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dockwright.build import pool
from dockwright.build.packages import Packages
from dockwright.engine import command


def write(of: Packages, suite: str, folder: Path) -> list[str]:
    """Make the archive in a new folder; the apt source lines that name it.

    apt may trust it although nobody has signed it: the pool has held each file against its sha256.
    """
    files = pool.copy(of.debs.values(), folder)
    entries = []
    for name, file in sorted(files.items()):
        deb = of.debs[name]
        size, digest = file.stat().st_size, deb.sha256.removeprefix("sha256:")
        entries.append(f"{paragraph(file)}\nFilename: ./{file.name}\nSize: {size}\nSHA256: {digest}\n")
    listed = "\n".join(entries).encode()
    (folder / "Packages").write_bytes(listed)
    # mmdebstrap looks for essential packages in the suite that it is asked for.
    release = (
        f"Suite: {suite}\nCodename: {suite}\nSHA256:\n {hashlib.sha256(listed).hexdigest()} {len(listed)} Packages\n"
    )
    (folder / "Release").write_text(release)
    for path in (folder / "Packages", folder / "Release"):
        path.chmod(0o644)
    return [f"deb [trusted=yes] copy://{folder} ./"]


def paragraph(file: Path) -> str:
    """The control paragraph of a package's file."""
    return command.run(("dpkg-deb", "--field", file), timeout=60).stdout.strip()
