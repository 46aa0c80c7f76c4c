"""A distribution's archive as it is now, read by apt itself below a private folder: nothing on the host changes.

mmdebstrap fetches and verifies the package lists of a suite, the host's own mirror first; apt then answers what a set
of packages needs. No package is downloaded or installed.
"""

from __future__ import annotations

import os
import re
import shutil
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import unquote

from dockwright.engine import install
from dockwright.errors import CommandFailed, DockwrightError, EngineUnavailable, Unreachable
from dockwright.lock.debs import Deb
from dockwright.lock.resolver import Stop

Say = Callable[[str], None]
URI = re.compile(r"^'[^']+' (?P<file>\S+) (?P<size>\d+) (?P<hash>SHA256:[0-9a-f]{64})$")
FILE = re.compile(r"^(?P<name>[^_]+)_(?P<version>[^_]+)_(?P<arch>[^_.]+)\.deb$")
ARCH = "amd64"
# Distribution -> the keys of its archive, and the package that brings them.
KEYRINGS = {
    "debian": ("debian-archive-keyring.gpg", "debian-archive-keyring"),
    "ubuntu": ("ubuntu-archive-keyring.gpg", "ubuntu-keyring"),
}
TRUSTED = Path("/usr/share/keyrings")
UNSIGNED = re.compile(r"is not signed|NO_PUBKEY|couldn't be verified")


@dataclass(frozen=True)
class Archive:
    """The package lists of one suite, in a folder that is thrown away."""

    folder: Path
    suite: str
    stop: Stop

    @property
    def state(self) -> str:
        """The archives' own dates, and the snapshot that holds them: `bookworm 2026-07-11T10:16:37Z, …; snapshot …`."""
        dates = sorted(set(_dates(self.folder / "lists")))
        taken = snapshot(self.folder / "lists")
        said = f"snapshot {taken}" if taken else "no snapshot answers, so the archive as it was"
        return f"{', '.join(f'{name} {date}' for name, date in dates)}; {said}"

    def closure(self, installed: str, wanted: Sequence[str]) -> dict[str, Deb]:
        """What apt would install for `wanted`, given a dpkg status; not the packages that are there already.

        Raises CommandFailed with apt's words where a package does not exist.
        """
        (self.folder / "status").write_text(installed)
        words = [*self.apt("apt-get"), "--print-uris", "--yes", "install", *wanted]
        code, output = self.stop.run(words, env={"LC_ALL": "C"}, cwd=self.folder)
        if code:
            missing = re.findall(r"Unable to locate package (\S+)|Package '?(\S+?)'? has no installation cand", output)
            names = ", ".join(sorted({first or second for first, second in missing}))
            says = (
                f"{self.suite} has no package {names} (any more)" if names else f"{self.suite}: apt finds no solution"
            )
            raise CommandFailed(says, "change apt.in, or the root's packages in fleet.toml", output)
        found = [deb for line in output.splitlines() if (deb := _deb(line))]
        if len(found) != sum(line.startswith("'") for line in output.splitlines()):
            raise CommandFailed(f"{self.suite}: apt names no sha256 for a package", "", output)
        return {deb.name: deb for deb in found}

    def stanzas(self, debs: Iterable[Deb]) -> dict[str, str]:
        """Package -> its paragraph in the archive's lists."""
        words = [*self.apt("apt-cache"), "show", *(f"{deb.name}={deb.version}" for deb in debs)]
        code, output = self.stop.run(words, env={"LC_ALL": "C"}, cwd=self.folder)
        if code:
            says = f"{self.suite}: some of the locked packages are not in the archive any more"
            raise CommandFailed(says, "./dockwright lock --upgrade-all takes those that are", output)
        found: dict[str, str] = {}
        for paragraph in output.split("\n\n"):
            match = re.search(r"^Package: (\S+)$", paragraph, re.MULTILINE)
            if match:
                found.setdefault(match[1], paragraph.strip())
        return found

    def offered(self, debs: Iterable[Deb]) -> dict[tuple[str, str], set[str]]:
        """(package, version) -> sha256 of what the archive has under these packages' names."""
        words = [*self.apt("apt-cache"), "show", "--all-versions", *dict.fromkeys(deb.name for deb in debs)]
        _, output = self.stop.run(words, env={"LC_ALL": "C"}, cwd=self.folder)
        found: dict[tuple[str, str], set[str]] = {}
        for paragraph in output.split("\n\n"):
            said = dict(re.findall(r"^(Package|Version|SHA256): (\S+)$", paragraph, re.MULTILINE))
            if len(said) == 3:
                found.setdefault((said["Package"], said["Version"]), set()).add(f"sha256:{said['SHA256']}")
        return found

    def apt(self, program: str) -> list[str]:
        """apt's program, deaf to the host's configuration."""
        here = self.folder
        for name in ("state/lists/partial", "cache/archives/partial"):
            (here / name).mkdir(parents=True, exist_ok=True)
        settings = {
            "Dir::State": here / "state",
            "Dir::State::status": here / "status",
            "Dir::State::lists": here / "lists",
            "Dir::Etc::sourcelist": here / "apt" / "sources.list",
            "Dir::Etc::sourceparts": here / "apt" / "sources.list.d",
            "Dir::Etc::main": "/dev/null",
            "Dir::Etc::parts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::Cache": here / "cache",
            "APT::Architecture": ARCH,
            "APT::Architectures": ARCH,
            "APT::Install-Recommends": "false",
            "Acquire::ForceHash": "SHA256",
            "Debug::NoLocking": "true",
            # As mmdebstrap has it: apt itself is no essential package.
            "pkgCacheGen::ForceEssential": ",",
        }
        return [program, *(word for key, value in settings.items() for word in ("-o", f"{key}={value}"))]


def read(distribution: str, suite: str, folder: Path, stop: Stop, keys: Path | None) -> Archive:
    """Fetch the lists of a suite into `folder`. Raises Unreachable when its archive does not answer."""
    copies = folder / "lists"
    copies.mkdir(parents=True)
    hook = f"--customize-hook=copy-out /var/lib/apt/lists /etc/apt {folder}"
    words = ["mmdebstrap", "--mode=auto", "--variant=custom", "--format=null", "--skip=cleanup/apt", hook]
    # tini lies in Ubuntu's universe.
    words += ["--components=main,universe"] if distribution == "ubuntu" else []
    words += [f"--architectures={ARCH}", *([f"--keyring={keys}"] if keys else [])]
    code, output = stop.run(
        [*words, suite, "/dev/null", *sources(distribution, suite)], env={"LC_ALL": "C"}, cwd=folder
    )
    if code:
        said = "\n".join(line for line in output.splitlines() if line.startswith(("E:", "W:", "Err:")))
        if UNSIGNED.search(output):
            raise CommandFailed(f"{suite}: its archive's signature cannot be verified", "", said)
        error = Unreachable(f"the archive of {suite} does not answer", "try again, or use --offline to keep its locks")
        error.output = said  # type: ignore[attr-defined] # shown below the clear line
        raise error
    return Archive(folder, suite, stop)


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


def _deb(line: str) -> Deb | None:
    uri = URI.match(line)
    file = FILE.match(uri["file"]) if uri else None
    if not uri or not file:
        return None
    version = unquote(file["version"])
    return Deb(file["name"], version, file["arch"], uri["hash"].lower(), int(uri["size"]))


def _dates(lists: Path) -> Iterable[tuple[str, str]]:
    for path in lists.glob("*InRelease"):
        fields = dict(line.split(": ", 1) for line in path.read_text(errors="replace").splitlines() if ": " in line)
        date = parsedate_to_datetime(fields["Date"]).astimezone(UTC)
        name = path.name.removesuffix("_InRelease").rpartition("_dists_")[2]
        yield name.replace("_", "/"), f"{date:%Y-%m-%dT%H:%M:%SZ}"


def snapshot(lists: Path, environ: Mapping[str, str] = os.environ) -> str:
    """The id of a snapshot that holds these lists, where a snapshot service answers; else empty.

    The service is the one that the archive itself names (`Snapshots:` in its release file, as apt reads it), or
    `$DOCKWRIGHT_SNAPSHOT`: an address with @SNAPSHOTID@ in it.
    """
    newest = max((date for _, date in _dates(lists)), default="")
    named = [environ.get("DOCKWRIGHT_SNAPSHOT", "")]
    for path in sorted(lists.glob("*InRelease")):
        named += re.findall(r"^Snapshots: (\S+)$", path.read_text(errors="replace"), re.MULTILINE)
    made = re.sub(r"[-:]", "", newest)
    for template in dict.fromkeys(name for name in named if "@SNAPSHOTID@" in name and made):
        if _answers(template.replace("@SNAPSHOTID@", made)):
            return made
    return ""


def _answers(url: str) -> bool:
    if not url.startswith(("http://", "https://")):
        return False
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=10):  # noqa: S310 - http(s)
            return True
    except OSError:
        return False
