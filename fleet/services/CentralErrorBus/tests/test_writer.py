"""Group commits, and what those who publish hear when something goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from bus_errors import LOG, error, opened, small
from central_error_bus.core.record import Incoming
from central_error_bus.limits import Limits
from central_error_bus.queue import Closed, Full, Job, Queue
from central_error_bus.store import opening
from central_error_bus.store.store import Store
from central_error_bus.store.transaction import Added, Transaction
from central_error_bus.writer import Commit, Unwritable, Writer

SECONDS = 20.0


class Scene:
    def __init__(self, folder: Path, limits: Limits) -> None:
        self.limits = limits
        self.store = Store(folder, limits, LOG)
        self.queue = Queue(limits)
        self.commits: list[Commit] = []
        self.writer = Writer(self.store, self.queue, self.commits.append, LOG)

    def put(self, run: Callable[[Transaction], Any], errors: int = 0, size: int = 0) -> Future[Any]:
        job = Job(run, errors, size)
        self.queue.put(job)
        return job.done

    def publish(self, *errors: Incoming) -> Future[Added]:
        return self.put(lambda transaction: transaction.add(errors), len(errors), sum(one.size for one in errors))

    @contextmanager
    def held_up(self) -> Iterator[None]:
        """The writer is in the middle of a transaction for as long."""
        begun, go_on = threading.Event(), threading.Event()

        def wait(_: Transaction) -> None:
            begun.set()
            go_on.wait(SECONDS)

        self.put(wait)
        begun.wait(SECONDS)
        try:
            yield
        finally:
            go_on.set()


@contextmanager
def running(folder: Path, **limits: int) -> Iterator[Scene]:
    scene = Scene(folder, small(**limits))
    scene.writer.start()
    try:
        yield scene
    finally:
        assert scene.writer.stop(SECONDS)


def test_who_publishes_meanwhile_shares_the_next_commit(tmp_path: Path) -> None:
    with running(tmp_path) as scene:
        with scene.held_up():
            waiting = [scene.publish(error(f"no {number}")) for number in range(50)]
        numbers = [one.result(SECONDS).numbers for one in waiting]
        assert numbers == [(number,) for number in range(1, 51)]
        assert [len(one.kept) for one in scene.commits if one.kept] == [50]
        assert scene.commits[-1].newest == 50
        assert scene.commits[-1].store == scene.store.name


def test_a_commit_takes_no_more_along_than_it_may(tmp_path: Path) -> None:
    with running(tmp_path, transaction=10) as scene:
        with scene.held_up():
            waiting = [scene.publish(*(error() for _ in range(4))) for _ in range(6)] + [
                scene.publish(*(error() for _ in range(30)))
            ]
        for one in waiting:
            one.result(SECONDS)
        assert [len(one.kept) for one in scene.commits if one.kept] == [8, 8, 8, 30]


def test_a_full_queue_refuses_and_loses_nothing(tmp_path: Path) -> None:
    with running(tmp_path, queue_requests=3) as scene:
        with scene.held_up():
            waiting = [scene.publish(error()) for _ in range(3)]
            with pytest.raises(Full):
                scene.publish(error("too much"))
        assert [one.result(SECONDS).numbers for one in waiting] == [(1,), (2,), (3,)]
        assert scene.publish(error()).result(SECONDS).numbers == (4,)


def test_the_queue_is_bounded_in_bytes_but_takes_one_of_any_size(tmp_path: Path) -> None:
    with running(tmp_path, queue_bytes=10_000) as scene:
        with scene.held_up():
            large = scene.publish(error("x" * 20_000))
            with pytest.raises(Full):
                scene.publish(error())
        assert large.result(SECONDS).numbers == (1,)
        assert scene.publish(error()).result(SECONDS).numbers == (2,)


def test_one_that_cannot_be_written_does_not_pull_the_others_down(tmp_path: Path) -> None:
    def bad(_: Transaction) -> None:
        raise ValueError("a fault of ours")

    with running(tmp_path) as scene:
        with scene.held_up():
            first, wrong, last = scene.publish(error("a")), scene.put(bad), scene.publish(error("b"))
        assert first.result(SECONDS).numbers == (1,)
        assert last.result(SECONDS).numbers == (2,)
        with pytest.raises(Unwritable, match="a fault of ours"):
            wrong.result(SECONDS)
        assert [len(one.kept) for one in scene.commits if one.kept] == [1, 1]


def test_who_has_gone_before_the_commit_is_not_written(tmp_path: Path) -> None:
    with running(tmp_path) as scene:
        with scene.held_up():
            gone, stays = scene.publish(error("gone")), scene.publish(error("stays"))
            assert gone.cancel()
        assert stays.result(SECONDS).numbers == (1,)


def test_what_waits_at_the_end_is_written(tmp_path: Path) -> None:
    with running(tmp_path) as scene, scene.held_up():
        waiting = [scene.publish(error(f"no {number}")) for number in range(20)]
        scene.queue.close()
        with pytest.raises(Closed):
            scene.publish(error())
    assert [one.result(0).numbers for one in waiting] == [(number,) for number in range(1, 21)]
    with closing(opened(tmp_path)) as store:
        assert store.held.errors == 20


def test_a_full_disk_is_told_and_ends(tmp_path: Path) -> None:
    """SQLite's own bound of pages stands for the disk: the same error from the same place."""
    with running(tmp_path) as scene:
        pragma = scene.store._connection.execute

        def fill(_: Transaction) -> None:
            pages = pragma("PRAGMA page_count").fetchone()[0]
            pragma(f"PRAGMA max_page_count = {pages + 1}")

        scene.put(fill).result(SECONDS)
        before = scene.store.held
        with pytest.raises(Unwritable, match="full"):
            scene.publish(error(trace="x" * 100_000)).result(SECONDS)
        assert "full" in scene.writer.problem or not scene.writer.problem
        assert scene.store.held == before
        until = time.monotonic() + SECONDS  # what is small still fits, and is tried although nobody publishes
        while scene.writer.problem:
            assert time.monotonic() < until
            time.sleep(0.05)

        def make_room(_: Transaction) -> None:
            pragma("PRAGMA max_page_count = 1000000")

        scene.put(make_room).result(SECONDS)
        assert scene.writer.problem == ""
        assert scene.publish(error(trace="x" * 100_000)).result(SECONDS).numbers == (1,)


def test_a_database_that_breaks_meanwhile_is_set_aside_and_what_comes_is_kept(tmp_path: Path) -> None:
    with running(tmp_path) as scene:
        for _ in range(40):
            scene.publish(*(error(trace="y" * 5_000) for _ in range(20))).result(SECONDS)
        name = scene.store.name
        path = tmp_path / "errors.db"
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xa5" * (path.stat().st_size - 4096))
        (tmp_path / "errors.db-wal").write_bytes(b"")
        done = scene.put(lambda transaction: transaction.check())
        assert done.exception(SECONDS) is None
        after = scene.publish(error("after it", id="x")).result(SECONDS)
        assert after.numbers == (1,)
        assert scene.store.name != name
        assert scene.commits[-1].store == scene.store.name
        assert scene.writer.problem == ""
    assert len(opening.asides(tmp_path)) == 1


def test_a_file_is_looked_through_as_it_is_and_not_as_it_is_remembered(tmp_path: Path) -> None:
    with running(tmp_path) as scene:
        connection = scene.store._connection
        scene.publish(error()).result(SECONDS)
        scene.put(lambda transaction: transaction.check()).result(SECONDS)
        name = scene.store.name

        def remember(_: Transaction) -> None:
            assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)

        scene.put(remember).result(SECONDS)
        for end in ("", "-wal"):
            path = tmp_path / f"errors.db{end}"
            path.write_bytes(b"\xa5" * path.stat().st_size)
        scene.put(remember).result(SECONDS)  # all of it is in memory
        scene.put(lambda transaction: transaction.check()).result(SECONDS)
        assert scene.store.name != name


def test_a_store_that_cannot_be_opened_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "errors.db").mkdir()
    scene = Scene(tmp_path, small())
    with pytest.raises(Exception, match="unable to open"):
        scene.writer.start()
    assert scene.writer.stop(SECONDS)
