"""base-python: Python 3.11 with the parts of its library that are built on C libraries, and a user's own files."""

import ctypes
import hashlib
import lzma
import multiprocessing
import sqlite3
import sys
import zlib


def test_python_is_3_11() -> None:
    assert sys.version_info[:2] == (3, 11), sys.version
    assert sys.executable in ("/usr/bin/python3", "/usr/bin/python3.11"), sys.executable


def test_a_database_keeps_rows() -> None:
    with sqlite3.connect("/tmp/smoke.db") as database:
        database.execute("CREATE TABLE kept (number INTEGER)")
        database.executemany("INSERT INTO kept VALUES (?)", [(number,) for number in range(100)])
    found = sqlite3.connect("/tmp/smoke.db").execute("SELECT sum(number) FROM kept").fetchone()
    assert found == (4950,), found


def test_compressed_bytes_come_back() -> None:
    text = b"dockwright " * 1000
    assert zlib.decompress(zlib.compress(text)) == text
    assert lzma.decompress(lzma.compress(text)) == text


def test_digests_are_right() -> None:
    found = hashlib.sha256(b"").hexdigest()
    assert found == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", found


def test_libraries_can_be_called() -> None:
    found = ctypes.CDLL("libc.so.6").abs(-7)
    assert found == 7, found


def test_processes_share_work() -> None:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = pool.map(abs, [-1, -2, -3])
    assert found == [1, 2, 3], found
