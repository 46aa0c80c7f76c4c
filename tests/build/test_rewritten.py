"""Files that a layer stores once more, unchanged: found in what an engine saves, named by layer and file."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dockwright.build import rewritten
from dockwright.build.rewritten import Again, Saved

Files = dict[str, bytes]


def layer(
    files: Files, *, owner: int = 0, mode: int = 0o644, mtime: int = 0, links: dict[str, str] | None = None
) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.uid, entry.mode, entry.mtime = len(content), owner, mode, mtime
            entry.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            tar.addfile(entry, io.BytesIO(content))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.LNKTYPE, target
            tar.addfile(entry)
    return made.getvalue()


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def saved(*layers: bytes, plain: int = -1, commands: tuple[str, ...] = ()) -> tuple[list[str], Saved]:
    """What is read of an archive as an engine writes it: layers in gzip but for one, and a configuration."""
    history = [{"created_by": command} for command in commands]
    config = json.dumps({"rootfs": {"diff_ids": [digest(one) for one in layers]}, "history": history}).encode()
    blobs = [config, b'{"other": "page"}', b"no json"]
    blobs += [one if number == plain else gzip.compress(one) for number, one in enumerate(layers)]
    archive = layer({f"blobs/sha256/{digest(blob)[7:]}": blob for blob in blobs})
    stack = [digest(one) for one in layers]
    return stack, rewritten.read(io.BytesIO(archive), set(stack))


def found(*layers: bytes, **more: Any) -> list[tuple[str, str]]:
    """(path, what else differs)."""
    stack, read = saved(*layers, **more)
    return [(one.path, one.how) for one in rewritten.again("image", stack, read.layers, {})]


BELOW = {"usr/lib/a.so": b"a" * 100, "etc/b": b"b" * 10}


def test_a_copy_is_named_with_both_layers_and_its_bytes() -> None:
    stack, read = saved(
        layer(BELOW), layer({"x": b"1"}), layer({"./usr/lib/a.so": b"a" * 100}), commands=("mm", "RUN x", "COPY y")
    )
    config = read.configs[tuple(stack)]
    assert list(rewritten.again("web", stack, read.layers, config)) == [
        Again("web", "layer 3 (COPY y)", "/usr/lib/a.so", 100, "layer 1 (mm)", "nothing")
    ]


def test_another_owner_mode_or_time_is_still_the_same_content() -> None:
    below = layer(BELOW)
    assert found(below, layer({"etc/b": b"b" * 10}, owner=10001)) == [("/etc/b", "owner 0:0 against 10001:0")]
    assert found(below, layer({"etc/b": b"b" * 10}, mode=0o600)) == [("/etc/b", "mode 0644 against 0600")]
    assert found(below, layer({"etc/b": b"b" * 10}, mtime=5)) == [("/etc/b", "mtime 0 against 5")]


def test_what_changed_or_weighs_nothing_is_no_finding() -> None:
    first = layer({"etc/b": b"b" * 10, "empty": b"", "folder/": b"", "c": b"c"})
    second = layer({"etc/b": b"B" * 10, "empty": b"", "folder/": b"", "other/c": b"c"}, links={"etc/d": "etc/b"})
    assert found(first, second) == []


def test_the_nearest_layer_below_decides() -> None:
    changed, back = layer({"etc/b": b"changed"}), layer({"etc/b": b"b" * 10})
    assert found(layer(BELOW), changed, back) == []
    assert [path for path, _ in found(layer(BELOW), changed, layer({"etc/b": b"changed"}, owner=1))] == ["/etc/b"]


def test_what_was_taken_away_in_between_is_no_copy() -> None:
    below, again = layer({"etc/b": b"b", "opt/x/y": b"y"}), layer({"etc/b": b"b", "opt/x/y": b"y"})
    assert len(found(below, again)) == 2
    assert found(below, layer({"etc/.wh.b": b"", "opt/.wh.x": b""}), again) == []
    assert found(below, layer({"opt/x/.wh..wh..opq": b""}), again) == [("/etc/b", "nothing")]
    # A folder that one step removes and makes again is stored again.
    assert found(below, layer({"opt/x/.wh..wh..opq": b"", "opt/x/y": b"y"})) == [("/opt/x/y", "nothing")]
    assert found(below, layer({"etc/b": b"", "opt/x/y": b""}), again) == []
    assert found(below, layer({}, links={"etc/b": "opt/x/y"}), again) == [("/opt/x/y", "nothing")]


def test_layers_are_read_whether_they_are_packed_or_not() -> None:
    again = layer({"etc/b": b"b" * 10}, owner=1)
    assert len(found(layer(BELOW), again)) == len(found(layer(BELOW), again, plain=0)) == 1
    assert len(found(layer(BELOW), again, plain=1)) == 1


def test_a_layer_that_was_told_of_is_passed_over() -> None:
    stack, read = saved(layer(BELOW), layer(BELOW, owner=1), layer(BELOW, owner=2))
    assert len(list(rewritten.again("image", stack, read.layers, {}))) == 4
    assert [one.layer for one in rewritten.again("image", stack, read.layers, {}, set(stack[:2]))] == [
        "layer 3",
        "layer 3",
    ]


TREES = st.dictionaries(st.sampled_from("abc"), st.sampled_from([b"", b"1", b"22"]), max_size=3)


@given(st.lists(TREES, min_size=1, max_size=4))
def test_exactly_the_unchanged_are_found(trees: list[Files]) -> None:
    layers = [layer({**tree, f"own{number}": b"x"}) for number, tree in enumerate(trees)]
    stack, read = saved(*layers)
    expected, have = [], dict[str, bytes]()
    for tree in trees:
        expected += [f"/{name}" for name, content in tree.items() if content and have.get(name) == content]
        have |= tree
    assert [one.path for one in rewritten.again("image", stack, read.layers, {})] == expected
