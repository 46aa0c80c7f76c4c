"""Where the disk went: every byte once, under the first name that it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockwright.engine import space
from dockwright.engine.space import Cached, Container, Image, Stored, Volume
from dockwright.release import room
from dockwright.release.leftovers import disk_size, own_size
from dockwright.release.room import Use

OURS = {"io.dockwright.input": "sha256:i"}
FAMILY, INSTANCE = {**OURS, "io.dockwright.role": "family"}, {**OURS, "io.dockwright.role": "instance"}


def test_a_layer_is_counted_with_the_first_kind_that_has_it() -> None:
    images = (
        Image("sha256:o", ("other:1",), {"io.dockwright.role": "family"}, {"layer 1": 100, "layer 4": 7}, {}),
        Image("sha256:i", ("one:1",), INSTANCE, {"layer 1": 100, "layer 2": 20}, {"sha256:2": 5}),
        Image("sha256:f", ("base:1",), FAMILY, {"layer 1": 100}, {"sha256:1": 50}),
        Image("sha256:r", ("dockwright-root/debian:1",), {}, {"layer 1": 100, "layer 5": 6}, {}),
        Image("sha256:g", ("base:2",), FAMILY, {"layer 1": 100, "layer 3": 3}, {"sha256:1": 50}),
    )
    stored = Stored(
        images,
        (Container("one", "sha256:i", 11), Container("two", "sha256:i", 2)),
        (Cached(1000, False, True, ""),),
        (Volume("ours", 30, "dockwright"), Volume("other", 4, ""), Volume("more", 5, "dockwright")),
        layers=200,
        packed=60,
        logs=9,
    )
    assert list(room.of_engine(stored)) == [
        Use("families", 153, 2),
        Use("instances", 25, 1),
        Use("roots", 6, 1),
        Use("other images", 7, 1),
        Use("build cache", 69, 1),
        Use("containers", 13, 2),
        Use("volumes of the fleet", 35, 2),
        Use("other volumes", 4, 1),
        Use("container logs", 9, 2),
    ]
    assert stored.of_images + stored.of_cache == 260


def test_every_folder_of_the_state_is_counted_and_the_engines_store_is_not(tmp_path: Path) -> None:
    for name, size in (("roots/a/blob", 9000), ("strange/x", 5000), ("engine/data/big", 90_000), ("engine/log", 5000)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(bytes(size))
    (tmp_path / "layers.json").write_bytes(bytes(5000))
    found = {use.what: use for use in room.of_state(tmp_path, tmp_path / "engine" / "data")}
    assert set(found) == {"roots", "strange", "engine: log and settings", "notes"}
    assert found["roots"].size == disk_size(tmp_path / "roots") > 9000
    assert 5000 < found["engine: log and settings"].size < 90_000
    assert found["notes"] == Use("notes", disk_size(tmp_path / "layers.json"), 1)
    assert list(room.of_state(tmp_path / "none", tmp_path / "none" / "engine" / "data")) == [Use("notes", 0, 0)]


def test_a_file_with_another_name_elsewhere_does_not_go(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    (inside / "own").write_bytes(bytes(8192))
    (inside / "again").hardlink_to(inside / "own")
    (inside / "link").symlink_to(outside)
    alone = disk_size(inside)
    assert own_size(inside) == alone
    outside.write_bytes(bytes(16384))
    (inside / "shared").hardlink_to(outside)
    assert disk_size(inside) >= alone + 16384
    assert own_size(inside) == alone
    assert own_size(tmp_path / "none") == 0


STEPS = [
    {"Size": 100, "CreatedBy": "mmdebstrap"},
    {"Size": 0, "CreatedBy": "ENV A=1"},
    {"Size": 0, "CreatedBy": "WORKDIR /app"},
    {"Size": 7, "CreatedBy": "COPY . / # buildkit"},
    {"Size": 0, "CreatedBy": 'CMD ["sh"]'},
]


def test_layers_are_known_by_all_that_is_below_them() -> None:
    found = space.layers(["a", "b", "c"], STEPS)
    assert list(found.values()) == [100, 0, 7]
    other = space.layers(["a", "x", "c"], STEPS)
    assert len({*found, *other}) == 5
    assert space.layers(["a", "b"], STEPS) == {}, "a history that fits no layers counts for nothing"


@pytest.mark.parametrize(
    ("head", "counts"),
    [
        (b"\x1f\x8b", True),
        (b"\x28\xb5\x2f\xfd", True),
        (bytes(257) + b"ustar", True),
        (b'{"layers": []}', False),
        (b"", False),
    ],
)
def test_only_layers_are_counted_as_packed(tmp_path: Path, head: bytes, counts: bool) -> None:
    (tmp_path / "blob").write_bytes(head.ljust(1000, b"\0"))
    assert space._layer_size(tmp_path / "blob") == (1000 if counts else 0)
