"""Locks of Debian packages: written, read, and compared with what apt says and what a made root holds."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockwright.errors import UnreadableInput
from dockwright.lock import apt, archive, deb_tasks, debs, made, snapshot
from dockwright.lock.deb_tasks import DebTask
from dockwright.lock.debs import Deb, DebLock
from dockwright.spec.load import load_fleet

CASES = Path(__file__).parents[1] / "cases" / "lock"
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


def test_a_status_file_counts_every_package_as_installed_and_asks_for_nothing() -> None:
    """What a package of the root depends on may have been purged: apt must not want to mend that."""
    stanza = "Package: a\nPre-Depends: b\nVersion: 1\nDepends: c, d\nBreaks: e"
    said = "Package: a\nVersion: 1\nBreaks: e\nStatus: install ok installed\n\n"
    assert apt.status([stanza, stanza]) == said * 2


def test_what_is_purged_from_a_root_is_not_there_for_families_unless_one_brought_it_back() -> None:
    fleet = load_fleet(Path(__file__).parents[2] / "fleet")
    locks = [
        DebLock({}, {name: Deb(name, version, "amd64", A, 1) for name in names})
        for names, version in ((("libc6", "perl-base", "tar"), "1"), (("curl", "tar"), "2"))
    ]
    task = DebTask("some", "debian-bookworm", Path("apt.lock"), (Path("a"), Path("b")))
    found = apt.present(fleet, task, [lock.debs for lock in locks])
    assert [(deb.name, deb.version) for deb in found] == [("libc6", "1"), ("curl", "2"), ("tar", "2")]
    builder = replace(task, name="some/build")
    assert len(apt.present(fleet, builder, [lock.debs for lock in locks])) == 5


def test_packages_are_the_same_whoever_asks_for_them() -> None:
    one = [Deb("curl", "7.88", "amd64", A, 5, ("apt.in",), 3), Deb("tini", "0.19", "amd64", A, 6)]
    assert debs.identity(one) == debs.identity([one[1], replace(one[0], via=("me",), line=9)])
    for other in ({"version": "7.89"}, {"arch": "all"}, {"sha256": "sha256:" + "b" * 64}, {"name": "curl2"}):
        assert debs.identity([replace(one[0], **other), one[1]]) != debs.identity(one)  # type: ignore[arg-type]


def test_a_root_is_noted_in_the_lock_of_exactly_its_packages(tmp_path: Path) -> None:
    task = DebTask("some", "some", Path("some.lock"))
    mine = [Deb("curl", "7.88", "amd64", A, 1)]
    root = made.Made("sha256:" + "c" * 64, debs.identity(mine), "mmdebstrap 1")
    path = tmp_path / "some.lock"
    path.write_text(debs.render({"for": "some", "inputs": A}, [replace(mine[0], version="7.87")]))
    assert made.seal(task, tmp_path, root) is False
    path.write_text(debs.render({"for": "some", "inputs": A}, mine))
    assert made.seal(task, tmp_path, root) is True
    lock = debs.read(path, "some.lock")
    assert (lock.head["digest"], lock.head["maker"]) == (root.digest, root.maker)
    assert lock.head["content"] == lock.digest
    assert made.seal(task, tmp_path, root) is False
    assert made.sealed(path, lock.debs) == {"digest": root.digest, "maker": root.maker}
    assert made.sealed(path, {}) == {}


def test_only_the_same_maker_can_deny_what_a_lock_says_of_its_root() -> None:
    lock = DebLock({"digest": A, "maker": "mmdebstrap 1"}, {"curl": Deb("curl", "7.88", "amd64", A, 1)})
    packages = debs.identity(lock.debs.values())
    assert made.Made("sha256:other", packages, "mmdebstrap 1").denies(lock)
    assert not made.Made(A, packages, "mmdebstrap 1").denies(lock)
    assert not made.Made("sha256:other", packages, "mmdebstrap 2").denies(lock)
    assert not made.Made("sha256:other", "sha256:others", "mmdebstrap 1").denies(lock)


def test_builders_have_locks_of_their_own(tmp_path: Path) -> None:
    shutil.copytree(CASES / "fleet", tmp_path / "fleet")
    (tmp_path / "fleet/families/web/build-apt.in").write_text("g++\n")
    fleet = load_fleet(tmp_path / "fleet")
    tasks = deb_tasks.tasks(fleet, tmp_path)
    assert list(tasks) == ["debian", "base", "debian/build", "web/build"]
    assert tasks["debian/build"].file == Path("fleet/roots/debian.build.lock")
    assert "python3-pip" in deb_tasks.asked(tasks["debian/build"], fleet, tmp_path)
    assert tasks["web/build"].above == (tasks["debian/build"].file,)
    assert deb_tasks.asked(tasks["web/build"], fleet, tmp_path) == ["g++"]
    digests = {deb_tasks.input_digest(task, fleet, tmp_path) for task in tasks.values()}
    assert len(digests) == len(tasks)


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


STATE = "bookworm 2026-07-11T10:16:37Z, bookworm-security 2026-11-23T11:22:37Z; no snapshot answers"


def test_a_locks_own_dates_say_which_snapshots_may_have_its_packages() -> None:
    assert list(snapshot.moments(STATE)) == ["20261123T232237Z", "20261123T112237Z"]
    assert list(snapshot.moments("")) == []


def test_a_suite_as_it_was_has_all_its_parts(pypi: object) -> None:
    url = str(getattr(pypi, "url", "")).replace("/simple", "/simple/one/?@ARCHIVE@&@SNAPSHOTID@")
    lines = snapshot.sources("debian", "bookworm", "2026", {"DOCKWRIGHT_SNAPSHOT": url})
    made = [line.removeprefix("deb [check-valid-until=no] ") for line in lines]
    base = url.partition("?")[0]
    assert made == [
        f"{base}?debian&2026 bookworm main",
        f"{base}?debian&2026 bookworm-updates main",
        f"{base}?debian-security&2026 bookworm-security main",
    ]
    assert snapshot.sources("ubuntu", "jammy", "2026", {"DOCKWRIGHT_SNAPSHOT": "http://127.0.0.1:9/@SNAPSHOTID@"}) == []
