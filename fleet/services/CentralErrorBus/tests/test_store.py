"""The store: numbers, duplicates, groups, pages and search."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from bus_errors import AT, TRACE, add, error, opened, settle, small
from central_error_bus.core.filters import Filter
from central_error_bus.core.fingerprint import fingerprint
from central_error_bus.core.record import Incoming, Kept
from central_error_bus.core.words import parse
from central_error_bus.limits import Limits
from central_error_bus.store import groups, reading
from central_error_bus.store.groups import GroupSearch, KeptGroup
from central_error_bus.store.reading import Search
from central_error_bus.store.schema import connect_reader
from central_error_bus.store.store import Store
from hypothesis import given, settings
from hypothesis import strategies as st


@contextmanager
def store_in_memory_of_a_test(limits: Limits | None = None, fts: bool = True) -> Iterator[Store]:
    """A folder of its own: hypothesis runs a test many times."""
    with TemporaryDirectory() as folder, closing(opened(Path(folder), limits, fts)) as store:
        yield store


def search(store: Store, **more: object) -> list[Kept]:
    """All pages."""
    filters = {key: more.pop(key) for key in list(more) if key in Filter.__slots__}
    asked = Search(Filter(**filters), **more)  # type: ignore[arg-type]
    found: list[Kept] = []
    with closing(connect_reader(store.path)) as connection:
        while True:
            page = reading.search(connection, asked)
            found += page.errors
            if page.before is None:
                return found
            assert page.before < asked.before
            asked = Search(asked.filter, asked.since, asked.until, page.before, asked.limit)


def numbers(store: Store, **more: object) -> list[int]:
    return [one.number for one in search(store, **more)]


def group(store: Store, fingerprint: str) -> KeptGroup:
    with closing(connect_reader(store.path)) as connection:
        found = groups.one(connection, fingerprint)
    assert found is not None
    return found


def group_pages(store: Store, limit: int = 50, **more: object) -> list[KeptGroup]:
    found: list[KeptGroup] = []
    before: int | None = 2**62
    with closing(connect_reader(store.path)) as connection:
        while before is not None:
            asked = GroupSearch(before=before, limit=limit, **more)  # type: ignore[arg-type]
            page, before = groups.search(connection, asked)
            found += page
    return found


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(opened(tmp_path)) as store:
        yield store


def test_what_is_kept_is_what_was_told(store: Store) -> None:
    given = error("no 'x'", trace=TRACE, context='{"a":[1]}', cut="trace", id="one", level="critical")
    assert add(store, given).numbers == (1,)
    (kept,) = search(store)
    assert kept.error == given
    assert (kept.number, kept.opened) == (1, "new")
    assert kept.group == fingerprint("CacheManager", "KeyError", "no 'x'", TRACE).id


def test_told_twice_is_counted_once(store: Store) -> None:
    assert add(store, error(id="a"), error(id="b"), error(id="a")).numbers == (1, 2, 1)
    again = add(store, error("other words", id="b"), error(id="c"), error(), error())
    assert (again.numbers, again.duplicates) == ((2, 3, 4, 5), 1)
    # An id is a service's own on its machine.
    assert add(store, error(id="a", service="Other"), error(id="a", machine="mainpc")).duplicates == 0
    assert sum(one.count for one in group_pages(store)) == 7
    assert store.held.errors == 7


def test_told_twice_across_a_restart(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        add(store, error(id="a"))
    with closing(opened(tmp_path)) as store:
        assert (store.newest, store.held.errors) == (1, 1)
        assert add(store, error(id="a"), error(id="b")).numbers == (1, 2)


def test_a_group_counts_sees_and_opens_again(store: Store) -> None:
    add(store, error("no 1", at=AT + 10, trace=TRACE), error("no 2", at=AT, machine="mainpc"))
    add(store, error("no 3", at=AT + 5, trace=TRACE))
    first, second = sorted(group_pages(store), key=lambda one: one.count, reverse=True)
    assert (first.count, first.pattern, first.state) == (2, "no <num>", "open")
    assert (first.first_seen, first.last_seen, first.last_number) == (AT + 5, AT + 10, 3)
    assert [(one.name, one.count) for one in first.machines] == [("pc2", 2)]
    assert first.frames == ("cache_manager/store.py read", "cache_manager/app.py answer")
    assert first.sample["message"] == "no 1"
    assert second.machines[0].name == "mainpc"

    assert settle(store, first.fingerprint, "resolved", "mended")
    assert (group(store, first.fingerprint).state, group(store, first.fingerprint).note) == ("resolved", "mended")
    assert [one.fingerprint for one in group_pages(store, state=("resolved",))] == [first.fingerprint]
    add(store, error("no 4", trace=TRACE), error("no 5", trace=TRACE))
    again = group(store, first.fingerprint)
    assert (again.state, again.reopened, again.count, again.note) == ("open", 1, 4, "mended")
    assert again.sample["message"] == "no 4"
    assert [one.opened for one in search(store)] == ["", "reopened", "", "new", "new"]
    assert numbers(store, opened=("reopened",)) == [4]
    assert not settle(store, "0" * 32, "resolved")


def test_an_error_told_twice_does_not_open_a_group_again(store: Store) -> None:
    add(store, error(id="a"))
    (one,) = group_pages(store)
    settle(store, one.fingerprint, "resolved")
    add(store, error(id="a"))
    assert group(store, one.fingerprint).state == "resolved"


def test_a_clock_that_runs_ahead_does_not_keep_a_group_on_top(store: Store) -> None:
    add(store, error(at=AT * 3))
    (one,) = group_pages(store)
    assert one.last_seen < AT * 2
    assert search(store)[0].error.at == AT * 3


def test_machines_of_a_group_are_bounded(tmp_path: Path) -> None:
    with closing(opened(tmp_path, small(group_machines=3))) as store:
        for name in ("a", "b", "c", "d", "a", "e"):
            add(store, error(machine=name))
        (one,) = group_pages(store)
    assert one.count == 6
    assert [(machine.name, machine.count) for machine in one.machines] == [("a", 2), ("b", 1), ("c", 1)]


def test_filters_and_moments(store: Store) -> None:
    for number in range(12):
        add(
            store,
            error(
                f"no {number}",
                service=f"S{number % 2}",
                machine=f"m{number % 3}",
                level=("error", "warning")[number % 2],
                kind=f"K{number % 4}",
                at=AT + number,
            ),
        )
    assert numbers(store, service=("S0",), machine=("m0", "m1")) == [11, 7, 5, 1]
    assert numbers(store, level=("warning",), kind=("K1",)) == [10, 6, 2]
    assert numbers(store, since=AT + 3, until=AT + 6) == [6, 5, 4]
    wanted = search(store)[0].group
    assert numbers(store, group=(wanted,)) == [12, 8, 4]
    assert numbers(store, group=("0" * 32,)) == []
    assert [one.service for one in group_pages(store, limit=1, machine=("m0",), kind=("K0",))] == ["S0"]
    assert len(group_pages(store, limit=2)) == 4
    assert [one.last_number for one in group_pages(store, since=AT + 9)] == [12, 11, 10]


def test_a_page_is_bounded_in_bytes(store: Store) -> None:
    add(store, *(error(f"{'mnopqrs'[number]}", trace="x" * 80_000, id=str(number)) for number in range(7)))
    with closing(connect_reader(store.path)) as connection:
        page = reading.search(connection, Search(Filter()))
        assert [one.number for one in page.errors] == [7, 6, 5, 4]
        found, reached = reading.after(connection, Filter(), 1, 7, 50)
        assert ([one.number for one in found], reached) == ([2], 2)
    assert len(numbers(store)) == 7


def test_a_page_of_groups_is_bounded_in_bytes(store: Store) -> None:
    for number in range(60):
        add(store, error("m" * (number + 1), trace="x" * 9_000))
    with closing(connect_reader(store.path)) as connection:
        page, before = groups.search(connection, GroupSearch(limit=200))
    assert 20 < len(page) < 40
    assert before == page[-1].last_number
    assert [one.last_number for one in group_pages(store, limit=200)] == list(range(60, 0, -1))


def test_a_broken_index_is_done_without(store: Store) -> None:
    add(store, *(error(f"w{number}") for number in range(5)))
    store._connection.execute("UPDATE words_1_data SET block = x'ff00ff00ff'")
    store.close()
    store.open()
    assert numbers(store, words=parse("w3")) == [4]
    add(store, error("w3"))  # goes into an index of its own
    assert numbers(store, words=parse("w3")) == [6, 4]
    assert store.held.errors == 6


VOCABULARY = ["timed", "time", "Out", "PEER", "café", "größe", "x_y", "3.5s", "a-b", "of", "日本", "naïve"]
SENTENCE = st.lists(st.sampled_from(VOCABULARY), max_size=6).map(" ".join)
QUESTION = st.lists(
    st.one_of(
        st.sampled_from(VOCABULARY),
        st.sampled_from(VOCABULARY).map(lambda word: word[:2] + "*"),
        SENTENCE.map(lambda text: f'"{text}"'),
        st.sampled_from(["AND", "(", "-", "kind:", '"', "*", "NEAR(a b)"]),
    ),
    min_size=1,
    max_size=3,
).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SENTENCE, SENTENCE), min_size=1, max_size=12), st.lists(QUESTION, min_size=1, max_size=5))
def test_index_and_like_and_listening_find_the_same(pairs: list[tuple[str, str]], questions: list[str]) -> None:
    errors = [error(message, trace=trace) for message, trace in pairs]
    with store_in_memory_of_a_test() as indexed, store_in_memory_of_a_test(fts=False) as plain:
        for store in (indexed, plain):
            add(store, *errors)
        for question in questions:
            words = parse(question)
            if words is None:
                continue
            expected = [
                number
                for number, one in reversed(list(enumerate(errors, 1)))
                if words.found_in(one.kind, one.message, one.trace)
            ]
            assert numbers(indexed, words=words, limit=2) == expected
            assert numbers(plain, words=words, limit=2) == expected


def test_what_came_while_there_was_no_index_is_found_once_there_is_one(tmp_path: Path) -> None:
    words = parse("broke")
    for fts, newest in ((True, 3), (False, 6), (False, 9), (True, 12)):
        with closing(opened(tmp_path, fts=fts)) as store:
            add(store, error(), error(), error())
            assert numbers(store, words=words, limit=2) == list(range(newest, 0, -1))
            assert store.searches_by_index is fts
    with closing(connect_reader(tmp_path / "errors.db")) as connection:
        assert connection.execute("SELECT count(*) FROM meta WHERE name = 'unindexed_from'").fetchone() == (0,)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9) | st.none()), max_size=5), max_size=12),
    st.integers(1, 8),
    st.integers(1, 4),
)
def test_bounds_keep_the_newest_and_true_counts(
    batches: list[list[tuple[int, int | None]]], most: int, most_groups: int
) -> None:
    """Against a model: errors in order, the oldest leaving; groups leaving with the errors they have left."""
    kept: list[tuple[int, Incoming]] = []
    counts: Counter[str] = Counter()
    last: dict[str, int] = {}
    number = 0
    with store_in_memory_of_a_test(small(errors=most, groups=most_groups)) as store:
        for batch in batches:
            for which, name in batch:
                one = error("abcdef"[which], id=None if name is None else str(name))
                if name is not None and any(other.id == one.id for _, other in kept):
                    continue
                number += 1
                kept.append((number, one))
                counts[one.message] += 1
                last[one.message] = number
            add(store, *(error("abcdef"[which], id=None if name is None else str(name)) for which, name in batch))
            kept = kept[-most:]
            for gone in sorted(counts, key=lambda message: last[message])[:-most_groups]:
                kept = [(number, one) for number, one in kept if one.message != gone]
                del counts[gone], last[gone]
            assert [(one.number, one.error) for one in search(store, limit=3)] == kept[::-1]
            assert {one.pattern: one.count for one in group_pages(store, limit=2)} == counts
            assert (store.held.errors, store.held.groups) == (len(kept), len(counts))
            for letter in "abcdef":  # the index forgets what the store forgets
                found = numbers(store, words=parse(letter))
                assert found == [number for number, one in reversed(kept) if one.message == letter]


def test_the_disk_is_bounded_whatever_comes(tmp_path: Path) -> None:
    limits = small(disk_bytes=6 * 1024 * 1024, errors=100_000)
    most = 0
    with closing(opened(tmp_path, limits)) as store:
        for number in range(60):
            texts = (f"words{number} w{other} " * 200 for other in range(50))
            add(store, *(error(f"k{number % 7}", trace=text, id=f"{number}-{at}") for at, text in enumerate(texts)))
            most = max(most, store.disk_bytes())
        assert most <= limits.disk_bytes
        held = store.held
        assert held.removed > 1000
        assert held.errors + held.removed == store.newest == 3000
        assert numbers(store) == list(range(3000, 3000 - held.errors, -1))
        assert held.errors > 300  # what fits is kept
        assert sum(one.count for one in group_pages(store)) == 3000
        assert numbers(store, words=parse("words59 w49")) == [3000]
        assert numbers(store, words=parse("words0")) == []
    with closing(opened(tmp_path, small(disk_bytes=1024 * 1024))) as store:  # the bound was tightened
        assert store.disk_bytes() <= 1024 * 1024
        assert 0 < store.held.errors < held.errors
        assert numbers(store)[0] == 3000
        add(store, error())
        assert store.newest == 3001


def test_readers_that_follow_each_other_closely_cannot_let_the_log_grow(tmp_path: Path) -> None:
    """One of them always reads: by itself SQLite would then only add to its log."""
    limits = small(disk_bytes=16 * 1024 * 1024)
    over = threading.Event()
    turns = [threading.Event(), threading.Event()]

    def read(own: int) -> None:
        with closing(connect_reader(tmp_path / "errors.db")) as connection:
            while not over.is_set():
                connection.execute("BEGIN")
                connection.execute("SELECT count(*) FROM errors").fetchone()
                turns[1 - own].set()  # only now does the other one end
                turns[own].wait(0.05)
                turns[own].clear()
                connection.execute("ROLLBACK")

    with closing(opened(tmp_path, limits)) as store:
        readers = [threading.Thread(target=read, args=(own,)) for own in (0, 1)]
        for reader in readers:
            reader.start()
        try:
            log = 0
            for number in range(150):
                add(store, error(trace=f"{number} " * 30_000))
                store.tidy()
                log = max(log, (tmp_path / "errors.db-wal").stat().st_size)
        finally:
            over.set()
            for reader in readers:
                reader.join()
    assert log <= 5 * limits.wal_pages * 4096 + 1024 * 1024


def test_groups_alone_cannot_fill_the_disk(tmp_path: Path) -> None:
    limits = small(disk_bytes=3 * 1024 * 1024, groups=100_000)
    with closing(opened(tmp_path, limits)) as store:
        for number in range(200):
            add(store, *(error("m" * (at + 1), kind=f"K{number}", trace="y" * 8000) for at in range(8)))
            assert store.disk_bytes() <= limits.disk_bytes
        assert store.held.forgotten > 0
        assert group_pages(store)[0].kind == "K199"
