"""What a distribution's archive offers, as apt itself answers it from lists in a private folder.

No package is downloaded or installed, and the host's own configuration of apt counts for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from dockwright.engine import command
from dockwright.errors import CommandFailed, Unreachable
from dockwright.lock import snapshot
from dockwright.lock.debs import ARCH, Deb
from dockwright.lock.resolver import Silent, Stop

URI = re.compile(r"^'[^']+' (?P<file>\S+) (?P<size>\d+) (?P<hash>SHA256:[0-9a-f]{64})$")
FILE = re.compile(r"^(?P<name>[^_]+)_(?P<version>[^_]+)_(?P<arch>[^_.]+)\.deb$")
# apt gives up by itself on a server that stalls; one that says nothing for so many seconds has lost its way.
SILENCE = 180.0
UNREACHED = re.compile(r"Failed to fetch|Unable to connect|Could not connect|Temporary failure|Connection failed")


def unreached(suite: str, said: str) -> Unreachable:
    """The error for an archive that does not answer; apt's own words are shown below it."""
    error = Unreachable(f"the archive of {suite} does not answer", "try again when it does")
    error.output = said  # type: ignore[attr-defined] # as CommandFailed's
    return error


@dataclass(frozen=True)
class Archive:
    """The package lists of one suite, in a folder that is thrown away."""

    folder: Path
    suite: str
    stop: Stop
    keys: Path  # a file with the keys that sign it, or a folder of such

    @property
    def state(self) -> str:
        """The archives' own dates, and the snapshot that holds them: `bookworm 2026-07-11T10:16:37Z, …; snapshot …`."""
        dates = sorted(set(snapshot.dates(self.folder / "lists")))
        taken = snapshot.identifier(self.folder / "lists")
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

    def holding(self, names: Collection[str]) -> dict[str, tuple[str, ...]]:
        """File name -> the packages that have a file of this name, as the archive's index of contents says.

        Raises Unreachable when it cannot be fetched.
        """
        trusted = "Dir::Etc::trusted" if self.keys.is_file() else "Dir::Etc::trustedparts"
        settings = {trusted: self.keys, "Acquire::Languages": "none"}
        # Debian has an index for each component, Ubuntu one for the whole suite.
        for target, key in (("Contents", f"$(COMPONENT)/Contents-{ARCH}"), ("Contents-suite", f"Contents-{ARCH}")):
            said = {"MetaKey": key, "ShortDescription": target, "Description": target, "KeepCompressed": "true"}
            settings |= {f"Acquire::IndexTargets::deb::{target}::{name}": value for name, value in said.items()}
        words = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
        _, output = self.stop.run([*self.apt("apt-get"), *words, "update"], env={"LC_ALL": "C"}, cwd=self.folder)
        indexes = sorted((self.folder / "lists").glob(f"*_Contents-{ARCH}*"))
        if not indexes:  # Of several, one that cannot be fetched now takes nothing away from the others.
            raise Unreachable(f"the archive of {self.suite} hands out no index of contents", output[-200:])
        found: dict[str, set[str]] = {name: set() for name in names}
        for path in indexes:
            # apt's own helper unpacks whatever apt has stored.
            with command.output(("/usr/lib/apt/apt-helper", "cat-file", path)) as lines:
                for line in lines:
                    file, _, packages = line.decode(errors="replace").rstrip().rpartition(" ")
                    if (name := file.rstrip().rpartition("/")[2]) in found:
                        found[name].update(package.rpartition("/")[2] for package in packages.split(","))
        return {name: tuple(sorted(packages)) for name, packages in found.items()}

    def download(self, debs: Sequence[Deb], into: Path) -> dict[str, Path]:
        """Package -> its file in a new folder; apt holds each against the archive's signed lists.

        Raises Unreachable when the archive does not answer, CommandFailed with apt's words.
        """
        into.mkdir()
        words = [*self.apt("apt-get"), "--quiet", "download", *(f"{deb.name}={deb.version}" for deb in debs)]
        try:
            code, output = self.stop.run(words, env={"LC_ALL": "C"}, cwd=into, silence=SILENCE)
        except Silent as error:
            raise unreached(self.suite, str(error)) from error
        if code:
            said = "\n".join(line for line in output.splitlines() if line.startswith(("E:", "Err:")))
            if command.NO_ROOM.search(output):
                raise CommandFailed(f"{self.suite}: its packages do not fit on the disk", "make room, try again", said)
            if UNREACHED.search(output):
                raise unreached(self.suite, said)
            raise CommandFailed(f"{self.suite}: its packages cannot be downloaded", "try again", said)
        found = {match["name"]: path for path in into.iterdir() if (match := FILE.match(path.name))}
        return {deb.name: found[deb.name] for deb in debs}

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


def _deb(line: str) -> Deb | None:
    uri = URI.match(line)
    file = FILE.match(uri["file"]) if uri else None
    if not uri or not file:
        return None
    version = unquote(file["version"])
    return Deb(file["name"], version, file["arch"], uri["hash"].lower(), int(uri["size"]))
