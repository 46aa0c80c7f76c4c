"""The package lists of a suite, fetched and verified by mmdebstrap below a private folder: nothing on the host changes.

The host's own mirror is asked where it serves the distribution, else mmdebstrap's default.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from dockwright.engine import command, install
from dockwright.errors import CommandFailed, DockwrightError, EngineUnavailable
from dockwright.lock import archive
from dockwright.lock.archive import Archive, unreached
from dockwright.lock.debs import ARCH
from dockwright.lock.resolver import Silent, Stop

Say = Callable[[str], None]
# Distribution -> the keys of its archive, and the package that brings them.
KEYRINGS = {
    "debian": ("debian-archive-keyring.gpg", "debian-archive-keyring"),
    "ubuntu": ("ubuntu-archive-keyring.gpg", "ubuntu-keyring"),
}
TRUSTED = Path("/usr/share/keyrings")
UNSIGNED = re.compile(r"is not signed|NO_PUBKEY|couldn't be verified")


def read(
    distribution: str, suite: str, folder: Path, stop: Stop, keys: Path | None, lines: list[str] | None = None
) -> Archive:
    """Fetch the lists of a suite into `folder`; `lines`: apt source lines instead of this host's own for it.

    Raises Unreachable when its archive does not answer.
    """
    copies = folder / "lists"
    copies.mkdir(parents=True)
    hook = f"--customize-hook=copy-out /var/lib/apt/lists /etc/apt {folder}"
    words = ["mmdebstrap", "--mode=auto", "--variant=custom", "--format=null", "--skip=cleanup/apt", hook]
    # tini lies in Ubuntu's universe.
    words += ["--components=main,universe"] if distribution == "ubuntu" else []
    # With several requests under way on a connection apt has lost an answer, and then waited for it for ever.
    words += ['--aptopt=Acquire::http::Pipeline-Depth "0"']
    words += [f"--architectures={ARCH}", *([f"--keyring={keys}"] if keys else [])]
    asked = sources(distribution, suite) if lines is None else lines
    code, output = _patiently([*words, suite, "/dev/null", *asked], folder, suite, stop)
    if code:
        said = "\n".join(line for line in output.splitlines() if line.startswith(("E:", "W:", "Err:")))
        if UNSIGNED.search(output):
            raise CommandFailed(f"{suite}: its archive's signature cannot be verified", "", said)
        if command.NO_ROOM.search(output):
            raise CommandFailed(f"{suite}: its archive's lists do not fit on the disk", "make room, try again", said)
        raise unreached(suite, said)
    return Archive(folder, suite, stop, keys or TRUSTED)


def _patiently(words: Sequence[str], folder: Path, suite: str, stop: Stop) -> tuple[int, str]:
    """Exit status and output; one that hangs is ended and tried once more. Raises Unreachable where that hangs, too."""
    for more in (True, False):
        try:
            return stop.run(words, env={"LC_ALL": "C"}, cwd=folder, silence=archive.SILENCE)
        except Silent as error:
            if not more:
                raise unreached(suite, str(error)) from error
    raise AssertionError


def sources(distribution: str, suite: str) -> list[str]:
    """apt source lines from this host's own configuration; none: mmdebstrap's default archive for the suite."""
    if install.read_host().distribution != distribution:
        return []
    wanted = (suite, f"{suite}-updates", f"{suite}-security")
    return [f"deb {uri} {name} main" for uri, name in install.debian_sources() if name in wanted]


def ensure_maker(*, allowed: bool, say: Say) -> None:
    """Install mmdebstrap where it is missing. Raises EngineUnavailable with what to install."""
    if shutil.which("mmdebstrap") is None:
        host = install.read_host()
        install.ensure("mmdebstrap", install.root_plan(host), host, allowed=allowed, say=say)


def keyring(distribution: str, folder: Path, stop: Stop) -> Path | None:
    """The keys of a distribution's archive: None where this host has them, else a file taken from Debian's package.

    Raises EngineUnavailable where they are to be had neither way.
    """
    name, package = KEYRINGS[distribution]
    if (TRUSTED / name).is_file():
        return None
    remedy = f"install the package {package} from Debian 13 or Ubuntu"
    try:
        newer = read("debian", "trixie", folder / "trixie", stop, None)
        code, output = stop.run([*newer.apt("apt-get"), "download", package], env={"LC_ALL": "C"}, cwd=folder)
    except DockwrightError as error:
        raise EngineUnavailable(f"the keys of {distribution}'s archive are not on this host", remedy) from error
    found = sorted(folder.glob(f"{package}_*.deb"))
    if code or not found:
        raise EngineUnavailable(f"the keys of {distribution}'s archive are not on this host: {output[-200:]}", remedy)
    stop.run(["dpkg-deb", "--extract", str(found[0]), str(folder / "keys")], env={}, cwd=folder)
    keys = folder / "keys" / TRUSTED.relative_to("/") / name
    if not keys.is_file():
        raise EngineUnavailable(f"the keys of {distribution}'s archive are not on this host", remedy)
    return keys
