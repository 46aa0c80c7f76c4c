"""Two builds of an image are compared down to the first thing that differs, and named by it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from build.small import NOTHING
from hypothesis import given
from hypothesis import strategies as st

from dockwright.build import twice
from dockwright.build.bases import Made
from dockwright.build.planning import Planned
from dockwright.build.verify import Difference, Picture, differences, read_picture
from dockwright.engine.docker import Docker
from dockwright.errors import EngineUnavailable
from dockwright.spec.load import load_fleet

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class File:
    """A file of a made layer."""

    name: str = "etc/motd"
    content: bytes = b"hello\n"
    mode: int = 0o644
    owner: int = 0
    mtime: float = 1754784000
    kind: bytes = tarfile.REGTYPE
    link: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


def layer(*files: File) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for file in files:
            entry = tarfile.TarInfo(file.name)
            entry.mode, entry.uid, entry.gid, entry.mtime = file.mode, file.owner, file.owner, file.mtime
            entry.type, entry.linkname = file.kind, file.link
            entry.pax_headers = file.attributes
            entry.size = len(file.content) if file.kind == tarfile.REGTYPE else 0
            tar.addfile(entry, io.BytesIO(file.content))
    return made.getvalue()


def picture(folder: Path, *layers: bytes, said: dict[str, object] | None = None, **more: object) -> Picture:
    """A layout on disk, as it is read back. `said`: the image's settings, `more`: of its manifest."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return f"sha256:{digest}"

    names = [put(data) for data in layers]
    history: list[dict[str, object]] = [
        {"created_by": f"RUN  step {number} # buildkit"} for number in range(len(names))
    ]
    history.insert(1, {"created_by": "ENV A=1", "empty_layer": True})
    config = {"config": said or {}, "history": history, "rootfs": {"diff_ids": names}}
    manifest = {"config": {"digest": put(json.dumps(config).encode())}, "layers": [{"digest": name} for name in names]}
    index = {"manifests": [{"digest": put(json.dumps({**manifest, **more}).encode())}]}
    (folder / "index.json").write_text(json.dumps(index))
    return read_picture(folder)


Pair = Callable[..., list[Difference]]


@pytest.fixture
def between(tmp_path: Path) -> Pair:
    """What is found between two images of two layers each, whose upper layers are given."""

    def found(first: bytes, second: bytes) -> list[Difference]:
        below = layer(File("bin/sh"))
        one, other = picture(tmp_path / "1", below, first), picture(tmp_path / "2", below, second)
        return list(differences("family-web", one, other))

    return found


BASE = (File("etc", kind=tarfile.DIRTYPE, mode=0o755), File(), File("usr/lib/x.so", b"\0" * 3_000_000))
CHANGES = {
    "content": (replace(BASE[1], content=b"hellO\n"), "content "),
    "mode": (replace(BASE[1], mode=0o600), "mode 0644 against 0600"),
    "setuid": (replace(BASE[1], mode=0o4644), "mode 0644 against 4644"),
    "owner": (replace(BASE[1], owner=10001), "owner 0:0 against 10001:10001"),
    "size": (replace(BASE[1], content=b"hello"), "size 6 against 5, content "),
    "mtime": (replace(BASE[1], mtime=1754784001), "mtime 1754784000 against 1754784001"),
    "part of a second": (replace(BASE[1], mtime=1754784000.5), "mtime 1754784000 against 1754784000.5"),
    "kind": (replace(BASE[1], kind=tarfile.SYMTYPE, link="x"), "kind file against symbolic link, link  against x"),
    "attribute": (replace(BASE[1], attributes={"SCHILY.xattr.security.capability": "1"}), "attributes "),
}


@pytest.mark.parametrize(("changed", "what"), CHANGES.values(), ids=CHANGES)
def test_one_thing_of_one_file(changed: File, what: str, between: Pair) -> None:
    (found,) = between(layer(*BASE), layer(BASE[0], changed, BASE[2]))
    assert (found.path, found.files) == ("/etc/motd", 1)
    assert found.what.startswith(what)
    assert str(found).startswith(f"family-web: layer 2 (RUN step 1): /etc/motd: {what}")


def test_equal_builds_have_no_difference(between: Pair) -> None:
    assert between(layer(*BASE), layer(*BASE)) == []


@pytest.mark.parametrize(("which", "order"), [("second", 1), ("first", -1)])
def test_a_file_that_only_one_build_has(which: str, order: int, between: Pair) -> None:
    (found,) = between(*[layer(*BASE), layer(*BASE, File("var/log/x"))][::order])
    assert (found.path, found.what) == ("/var/log/x", f"only in the {which} build")


def test_the_cause_is_named_before_the_time_of_its_folder(between: Pair) -> None:
    (found,) = between(layer(*BASE), layer(replace(BASE[0], mtime=1), *BASE[1:], File("etc/zz")))
    assert (found.path, found.files) == ("/etc/zz", 2)
    assert str(found).endswith("only in the second build (and 1 more files of this layer)")


def test_a_folder_of_another_time_is_named_where_that_is_all(between: Pair) -> None:
    (found,) = between(layer(*BASE), layer(replace(BASE[0], mtime=1), *BASE[1:]))
    assert (found.path, found.what) == ("/etc", "mtime 1754784000 against 1")


def test_another_order_of_the_same_files(between: Pair) -> None:
    (found,) = between(layer(*BASE), layer(BASE[0], BASE[2], BASE[1]))
    assert (found.path, found.files) == ("", 0)
    assert found.what == "the same files in another order, from /etc/motd on"


def test_another_packing_of_the_same_files(between: Pair) -> None:
    plain = layer(*BASE)
    (found,) = between(gzip.compress(plain, 1, mtime=0), gzip.compress(plain, 9, mtime=0))
    assert (found.path, found.what) == ("", "the same files, packed in another way")


def test_a_layer_more(tmp_path: Path) -> None:
    one, other = picture(tmp_path / "1", layer(*BASE)), picture(tmp_path / "2", layer(*BASE), layer(File("x")))
    told = [str(found) for found in differences("a", one, other)]
    assert told[0] == "a: 1 layers against 2"


def test_settings_that_differ(tmp_path: Path) -> None:
    one = picture(tmp_path / "1", layer(*BASE), said={"Labels": {"sha": "1", "same": "x"}, "Cmd": ["a", "b"]})
    other = picture(tmp_path / "2", layer(*BASE), said={"Labels": {"sha": "2", "same": "x"}, "Cmd": ["a", "c"]})
    assert [str(found) for found in differences("a", one, other)] == [
        'a: configuration: config.Cmd[1]: "b" against "c"',
        'a: configuration: config.Labels.sha: "1" against "2"',
    ]


def test_a_manifest_that_differs_by_itself(tmp_path: Path) -> None:
    one, other = picture(tmp_path / "1", layer(*BASE)), picture(tmp_path / "2", layer(*BASE), annotations={"a": "b"})
    (found,) = differences("a", one, other)
    assert found.where == "manifest"


def test_a_parents_layer_is_looked_into_once(tmp_path: Path) -> None:
    """And its child's own layers still are."""
    below, above = layer(*BASE), layer(File("x"))
    changed = layer(BASE[0], replace(BASE[1], mode=0o600), BASE[2])
    first = {"base": picture(tmp_path / "1", below), "web": picture(tmp_path / "2", below, above)}
    second = {
        "base": picture(tmp_path / "3", changed),
        "web": picture(tmp_path / "4", changed, layer(File("x", mode=0o755))),
    }
    base, web = twice.compared(first, second)
    assert [found.path for found in base.differences] == ["/etc/motd"]
    assert [found.what for found in web.differences] == ["differs as in its parent", "mode 0644 against 0755"]
    assert not base.identical
    assert not twice.Report((base, web), twice.SAME_ENGINE, 1, 1).identical


FILES = st.lists(
    st.builds(
        File,
        name=st.sampled_from(["a", "b/c", "b/d", "e"]),
        content=st.binary(max_size=3),
        mode=st.sampled_from([0o644, 0o600]),
        mtime=st.sampled_from([1.0, 2.0]),
    ),
    max_size=4,
    unique_by=lambda file: file.name,
)


@given(first=FILES, second=FILES)
def test_a_difference_is_found_exactly_where_there_is_one(
    first: list[File], second: list[File], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("pair")
    one, other = picture(folder / "1", layer(*first)), picture(folder / "2", layer(*second))
    found = list(differences("a", one, other))
    assert bool(found) == (first != second) == (one.digest != other.digest)
    beside = {file.name: file for file in second}
    unlike = {file.name for file in first if beside.get(file.name) != file} | beside.keys() - {f.name for f in first}
    assert [each.files for each in found] == ([len(unlike)] if first != second else [])
    assert all(each.path.removeprefix("/") in unlike or not unlike for each in found)


def test_builds_are_written_as_layouts_and_everything_else_stays(tmp_path: Path) -> None:
    target = {"tags": ["x:1"], "output": ["type=docker"], "labels": {"a": "b"}}
    inner = {"dockerfile": "Dockerfile"}
    given: dict[str, object] = {"group": {"default": {"targets": ["x"]}}, "target": {"x": target, "x_contents": inner}}
    output = {"output": [f"type=oci,tar=false,dest={tmp_path}"]}
    made = {"x": {**target, **output}, "x_contents": inner}
    assert twice.into_layouts(given, {"x": tmp_path}) == {**given, "target": made}


def test_an_engine_that_cannot_write_layouts_is_told_what_it_needs(tmp_path: Path) -> None:
    docker = Docker(Path("docker"), "unix:///nowhere", image_store="graph driver")
    with pytest.raises(EngineUnavailable, match="cannot write images as OCI layouts") as caught:
        twice.verify(docker, load_fleet(ROOT / "fleet"), Planned(NOTHING, (), Made(), {}, ()), tmp_path, print)
    assert "containerd-snapshotter" in caught.value.remedy
