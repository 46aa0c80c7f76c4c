"""What a store makes of the files that it finds: recovered when that can be, renamed when not, never removed."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from bus_errors import add, error, opened, small
from central_error_bus.core.filters import Filter
from central_error_bus.store import opening, reading
from central_error_bus.store.reading import Search
from central_error_bus.store.schema import connect_reader
from hypothesis import given, settings
from hypothesis import strategies as st


def count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM errors").fetchone()[0])


def crashed(folder: Path, errors: int, wal_pages: int = 1000) -> Path:
    """A folder as a killed process leaves it: everything is still in the log."""
    live = folder / "live"
    with closing(opened(live)) as store:
        store._connection.execute(f"PRAGMA wal_autocheckpoint = {wal_pages}")
        for number in range(errors):
            add(store, error(f"no {number}", id=str(number)))
        shutil.copytree(live, folder / "dead", ignore=shutil.ignore_patterns("*-shm"))
    return folder / "dead"


def overwrite(path: Path, at: int, raw: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(raw)


def test_a_crash_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    dead = crashed(tmp_path, 20)
    assert (dead / "errors.db-wal").stat().st_size > 100_000
    with closing(opened(dead)) as store:
        assert (store.held.errors, store.newest) == (20, 20)
        assert add(store, error("no 3", id="3"), error("more")).numbers == (4, 21)
    assert opening.asides(dead) == []


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_torn_log_gives_back_what_was_whole(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Cut anywhere, and with garbage after it: the commits before the tear are there, in order, without a hole."""
    dead = crashed(tmp_path_factory.mktemp("torn"), 8)
    log = dead / "errors.db-wal"
    size = log.stat().st_size
    kept = data.draw(st.integers(0, size), "kept")
    garbage = data.draw(st.binary(max_size=5000), "garbage")
    log.write_bytes(log.read_bytes()[:kept] + garbage)
    with closing(opened(dead)) as store:
        numbers = [row[0] for row in store._connection.execute("SELECT number FROM errors ORDER BY number")]
        assert numbers == list(range(1, store.newest + 1))
        assert add(store, error()).numbers == (store.newest,)
        if kept == size:
            assert store.newest == 9
    # All that can be wrong is that even the tables were still in the lost part.
    assert opening.asides(dead) == []


def nothing_at_all(path: Path) -> None:
    path.write_bytes(b"")


def no_database(path: Path) -> None:
    path.write_bytes(b"this was never a database\n" * 1000)


def header_gone(path: Path) -> None:
    overwrite(path, 0, b"\0" * 100)


def pages_gone(path: Path) -> None:
    overwrite(path, 4096, b"\xa5" * (path.stat().st_size - 4096))


def end_gone(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 // 4096 * 4096)


def of_the_future(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def of_somebody_else(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (a)")


def a_table_gone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE texts")


@pytest.mark.parametrize(
    "spoil", [no_database, header_gone, pages_gone, end_gone, of_the_future, of_somebody_else, a_table_gone]
)
def test_what_cannot_be_used_is_set_aside(
    tmp_path: Path, spoil: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    with closing(opened(tmp_path)) as store:
        add(store, *(error(f"no {number}", trace="x" * 1000) for number in range(200)))
        name = store.name
    path = tmp_path / "errors.db"
    spoil(path)
    before = path.read_bytes()
    with closing(opened(tmp_path)) as store:
        assert (store.held.errors, store.newest) == (0, 0)
        assert store.name != name
        assert add(store, error()).numbers == (1,)
    (aside,) = opening.asides(tmp_path)
    assert aside.startswith("errors.db.corrupt-2")
    assert (tmp_path / aside).read_bytes() == before
    (said,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "corrupt: set aside" in said.message
    assert said.__dict__["as"] == aside
    assert said.__dict__["why"]


def test_an_empty_file_is_an_empty_store(tmp_path: Path) -> None:
    nothing_at_all(tmp_path / "errors.db")
    with closing(opened(tmp_path)) as store:
        assert add(store, error()).numbers == (1,)
    assert opening.asides(tmp_path) == []


def test_a_log_goes_aside_with_its_database_and_is_still_read_with_it(tmp_path: Path) -> None:
    dead = crashed(tmp_path, 5, wal_pages=100_000)
    opening.set_aside(dead / "errors.db", "a test", logging.getLogger("errors"))
    (aside,) = opening.asides(dead)
    assert sorted(path.name for path in dead.iterdir()) == [aside, f"{aside}-wal", "lock"]
    assert count(dead / aside) == 5


def test_setting_aside_twice_in_a_second_keeps_both(tmp_path: Path) -> None:
    for content in (b"first" * 1000, b"second" * 1000):
        (tmp_path / "errors.db").write_bytes(content)
        opened(tmp_path).close()
    found = [(tmp_path / name).read_bytes()[:5] for name in opening.asides(tmp_path)]
    assert sorted(found) == [b"first", b"secon"]


def test_a_database_that_cannot_be_read_is_no_reason_to_begin_anew(tmp_path: Path) -> None:
    (tmp_path / "errors.db").mkdir()
    with pytest.raises(sqlite3.OperationalError):
        opened(tmp_path)
    assert opening.asides(tmp_path) == []


def test_two_buses_never_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "LOCK_SECONDS", 0.2)
    with closing(opened(tmp_path)) as store:
        with pytest.raises(OSError, match="another process"):
            opened(tmp_path)
        add(store, error())
    monkeypatch.setattr(opening, "LOCK_SECONDS", 5.0)
    first = opened(tmp_path)
    threading.Timer(0.3, lambda: os.close(first._lock or 0)).start()  # the other one ends meanwhile
    began = time.monotonic()
    with closing(opened(tmp_path)) as store:
        assert store.held.errors == 1
    assert time.monotonic() - began > 0.2
    first._connection.close()


def test_a_large_store_is_looked_through_as_long_as_there_is_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(opened(tmp_path)) as store:
        for _ in range(20):
            add(store, *(error(trace="x" * 10_000) for _ in range(50)))
    monkeypatch.setattr(opening, "CHECK_SECONDS", -1.0)
    with closing(opened(tmp_path)) as store:
        assert store.held.errors == 1000
    assert "only in part" in caplog.text


def test_a_commit_is_synced_and_readers_change_nothing(tmp_path: Path) -> None:
    with closing(opened(tmp_path, small())) as store:
        for name, wanted in (("synchronous", 2), ("journal_mode", "wal"), ("auto_vacuum", 2)):
            assert store._connection.execute(f"PRAGMA {name}").fetchone() == (wanted,)
        add(store, error())
        with closing(connect_reader(store.path)) as connection:
            assert len(reading.search(connection, Search(Filter())).errors) == 1
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                connection.execute("DELETE FROM errors")
    with pytest.raises(sqlite3.OperationalError):
        connect_reader(tmp_path / "none.db")
