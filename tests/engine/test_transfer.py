"""Bytes of a push, read off what the engine says of it."""

from __future__ import annotations

import pytest

from dockwright.engine.docker import Docker
from dockwright.engine.registry.place import Place
from dockwright.engine.transfer import Moved, _take, push
from dockwright.errors import DockwrightError, UsageError

DIGEST = "sha256:" + "d" * 64
LINES: list[dict[str, object]] = [
    {"status": "The push refers to repository [127.0.0.1:5000/fleet/x]"},
    {"status": "Pushing", "progressDetail": {"total": 100}, "id": "a" * 12},
    {"status": "Pushing", "progressDetail": {"current": 40, "total": 100}, "id": "a" * 12},
    {"status": "Layer already exists", "progressDetail": {}, "id": "b" * 12},
    {"status": "Pushed", "progressDetail": {}, "id": "c" * 12},
    {"status": "Pushed", "progressDetail": {}, "id": "a" * 12},
    {"status": f"tag: digest: {DIGEST} size: 1482"},
]


def test_what_moves_and_what_has_moved() -> None:
    seen: list[tuple[int, int]] = []
    moved = Moved()
    for line in LINES:
        _take(line, moved, lambda now: seen.append((now.so_far, now.total)), "x was not pushed")
    assert seen == [(0, 0), (0, 100), (40, 100), (40, 100), (40, 100), (100, 100), (100, 100)]
    assert moved.exactly({f"sha256:{letter * 64}": size for letter, size in (("a", 100), ("b", 7), ("c", 5))}) == 105


def test_what_the_engine_calls_an_error_is_one() -> None:
    with pytest.raises(DockwrightError, match="x was not pushed: denied"):
        _take({"error": "denied", "errorDetail": {"message": "denied"}}, Moved(), print, "x was not pushed")


def test_a_registry_on_loopback_is_another_one_for_a_distant_engine() -> None:
    docker = Docker(program=None, host="ssh://pc2")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"127\.0\.0\.1:5000 is another host for the engine at ssh://pc2"):
        push(docker, "x", Place("127.0.0.1:5000", "fleet"), lambda _: None)
