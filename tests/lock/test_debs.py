"""Locks of Debian packages: written, read, and compared with what apt says and what a made root holds."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockwright.errors import UnreadableInput
from dockwright.lock import apt, archive, debs, made, snapshot
from dockwright.lock.deb_tasks import DebTask
from dockwright.lock.debs import Deb, DebLock

A = "sha256:" + "a" * 64
NAMES = st.from_regex(r"[a-z0-9][a-z0-9.+-]{1,12}", fullmatch=True)
VERSIONS = st.from_regex(r"([0-9]:)?[0-9][0-9A-Za-z.+~]{0,10}(-[0-9a-z.+~]{1,6})?", fullmatch=True)
DEBS = st.builds(
    Deb,
    NAMES,
    VERSIONS,
    st.sampled_from(["amd64", "all"]),
    st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True),
    st.integers(0, 10**9),
    st.lists(NAMES, max_size=3).map(tuple),
)


@given(st.lists(DEBS, unique_by=lambda deb: deb.name))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, listed: list[Deb]) -> None:
    path = tmp_path_factory.mktemp("debs") / "apt.lock"
    path.write_text(debs.render({"for": "a family", "inputs": A}, listed))
    lock = debs.read(path, "apt.lock")
    assert {name: (d.version, d.arch, d.sha256, d.size, d.via) for name, d in lock.debs.items()} == {
        d.name: (d.version, d.arch, d.sha256, d.size, d.via) for d in listed
    }
    assert lock.head["content"] == lock.digest


@pytest.mark.parametrize(
    "line",
    [
        "curl",
        "curl=7.88",
        f"curl=7.88 amd64 {A}",
        f"curl=7.88 amd64 {A}0 5",
        f"Curl=7.88 amd64 {A} 5",
        f"=1 amd64 {A} 5",
    ],
)
def test_a_line_that_is_no_package_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "apt.lock").write_text(f"# head\n{line}\n")
    with pytest.raises(UnreadableInput, match=r"apt\.lock:2: expected name=version arch sha256:… size"):
        debs.read(tmp_path / "apt.lock", "apt.lock")


def test_a_package_that_stands_there_twice_is_named(tmp_path: Path) -> None:
    (tmp_path / "apt.lock").write_text(f"curl=1 all {A} 5\ncurl=2 all {A} 5\n")
    with pytest.raises(UnreadableInput, match=r"apt\.lock:2: curl stands here twice"):
        debs.read(tmp_path / "apt.lock", "apt.lock")


def test_the_first_word_of_a_line_is_what_apt_get_takes(tmp_path: Path) -> None:
    text = debs.render({"for": "x"}, [Deb("passwd", "1:4.13+dfsg1-1", "amd64", A, 5)])
    assert [line.split()[0] for line in text.splitlines() if line and not line.startswith("#")] == [
        "passwd=1:4.13+dfsg1-1"
    ]


def test_what_apt_prints_is_a_package_with_its_epoch() -> None:
    line = f"'http://x.test/pool/passwd_4.13_amd64.deb' passwd_1%3a4.13+dfsg1-1_amd64.deb 972424 SHA256:{'a' * 64}"
    assert archive._deb(line) == Deb("passwd", "1:4.13+dfsg1-1", "amd64", A, 972424)
    assert archive._deb(line.replace("SHA256", "MD5Sum")) is None
    assert archive._deb("Reading package lists...") is None


def test_each_package_knows_who_depends_on_it() -> None:
    found = {name: Deb(name, "1", "all", A, 1) for name in ("curl", "libcurl4", "libc6", "tool")}
    stanzas = {
        "curl": "Package: curl\nDepends: libc6 (>= 2.34), libcurl4 (= 7.88)",
        "libcurl4": "Package: libcurl4\nDepends: other | libc6:any (>= 2)",
        "libc6": "Package: libc6\nEssential: yes",
        "tool": "Package: tool\nPre-Depends: libc6",
    }
    noted = apt.noted_via(found, stanzas, ["curl", "tool"], "apt.in")
    assert {name: deb.via for name, deb in noted.items()} == {
        "curl": ("apt.in",),
        "libcurl4": ("curl",),
        "libc6": ("curl", "essential", "libcurl4", "tool"),
        "tool": ("apt.in",),
    }


def test_a_status_file_counts_every_package_as_installed() -> None:
    assert apt.status(["Package: a\nVersion: 1"]) == "Package: a\nVersion: 1\nStatus: install ok installed\n\n"


def made_root(folder: Path, packages: dict[str, str]) -> made.Made:
    """An OCI layout whose only layer holds a dpkg status."""
    status = "\n".join(f"Package: {name}\nVersion: {version}\n" for name, version in packages.items()).encode()
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        entry = tarfile.TarInfo("./var/lib/dpkg/status")
        entry.size = len(status)
        tar.addfile(entry, io.BytesIO(status))
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    digests: list[str] = []
    for data in (layer.getvalue(), None):
        text = data or json.dumps({"layers": [{"digest": f"sha256:{digests[0]}"}]}).encode()
        digests.append(hashlib.sha256(text).hexdigest())
        (blobs / digests[-1]).write_bytes(text)
    return made.Made(f"sha256:{digests[1]}", folder)


def test_a_made_root_is_compared_package_by_package(tmp_path: Path) -> None:
    root = made_root(tmp_path, {"curl": "7.88", "tini": "0.19", "more": "1"})
    lock = DebLock({}, {name: Deb(name, "7.88", "amd64", A, 1) for name in ("curl", "tini", "less")})
    assert made.other_packages(lock, root) == [
        "less missing instead of 7.88",
        "more 1 instead of nothing",
        "tini 0.19 instead of 7.88",
    ]


def test_the_digest_of_a_root_is_noted_only_when_its_packages_are_the_locked_ones(tmp_path: Path) -> None:
    root = made_root(tmp_path / "layout", {"curl": "7.88"})
    task = DebTask("some", "some", Path("some.lock"))
    for version, sealed in (("7.87", False), ("7.88", True)):
        path = tmp_path / "some.lock"
        path.write_text(debs.render({"for": "some", "inputs": A}, [Deb("curl", version, "amd64", A, 1)]))
        assert made.seal(task, tmp_path, root) is sealed
        assert debs.read(path, "some.lock").head.get("digest") == (root.digest if sealed else None)
    assert made.seal(task, tmp_path, root) is False


RELEASE = "Origin: Debian\nSuite: stable\nDate: Mon, 23 Nov 2026 11:22:37 UTC\n"


def test_an_archive_is_known_by_its_own_dates(tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "mirror.test_debian_dists_bookworm_InRelease").write_text(RELEASE)
    assert list(snapshot.dates(lists)) == [("bookworm", "2026-11-23T11:22:37Z")]
    assert snapshot.identifier(lists, {}) == ""


@pytest.mark.parametrize(
    "template", ["ftp://x.test/@SNAPSHOTID@", "http://x.test/fixed", "http://127.0.0.1:9/@SNAPSHOTID@/"]
)
def test_a_snapshot_counts_only_where_it_answers(tmp_path: Path, template: str) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "mirror.test_debian_dists_bookworm_InRelease").write_text(f"{RELEASE}Snapshots: {template}\n")
    assert snapshot.identifier(lists, {}) == ""


def test_a_snapshot_that_answers_is_noted_with_its_date(tmp_path: Path, pypi: object) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "mirror.test_debian_dists_bookworm_InRelease").write_text(RELEASE)
    url = str(getattr(pypi, "url", "")).replace("/simple", "/simple/one/?@SNAPSHOTID@")
    assert snapshot.identifier(lists, {"DOCKWRIGHT_SNAPSHOT": url}) == "20261123T112237Z"
