"""What may go. Whatever there is: nothing that is protected, nothing that somebody named, never the newest."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from release.made import SHA, contents, digest, record

from dockwright.engine.space import Cached, Container, Image, Stored
from dockwright.errors import CommandFailed, EngineUnavailable
from dockwright.release import protected, prune, tags
from dockwright.release.freed import freed
from dockwright.release.health import Health
from dockwright.release.prune import Cache, Item, Outcome
from dockwright.release.record import Record
from dockwright.release.retention import Kept, Order, Rule, expired
from dockwright.release.tags import Tag

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SHAS = ("aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc")
ORDER = Order({sha: at for at, sha in enumerate(SHAS)})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("20261124-59b51f84018b", Tag(date(2026, 11, 24), "59b51f84018b", False, "", "")),
        ("20261124-59b51f84018b-dirty-mainpc", Tag(date(2026, 11, 24), "59b51f84018b", True, "", "mainpc")),
        ("3.11-slim-20261124-59b51f84018b", Tag(date(2026, 11, 24), "59b51f84018b", False, "3.11-slim", "")),
        ("20261124-unknown-dirty", Tag(date(2026, 11, 24), "unknown", True, "", "")),
        ("20261324-59b51f84018b", None),
        ("20261124-59b51f84018", None),
        ("latest", None),
        ("input-" + "0" * 32, None),
    ],
)
def test_a_tag_says_its_day_commit_and_machine(text: str, found: Tag | None) -> None:
    assert tags.read(text) == found


def test_only_the_fleets_own_tags_are_ours() -> None:
    assert tags.ours("20261124-59b51f84018b-pc2")
    assert tags.ours("input-" + "0" * 32)
    assert not tags.ours("input-" + "0" * 31)
    assert not tags.ours("before-the-demo")


def kept(number: int, *names: str, group: str = "one") -> Kept:
    return Kept(group, digest(str(number)), names)


def numbers(found: list[Kept], upto: int = 32) -> list[int]:
    known = {digest(str(number)): number for number in range(upto)}
    return [known[one.digest] for one in found]


def test_the_oldest_go_beyond_the_number_that_stays() -> None:
    images = [kept(day, f"202611{day:02}-{SHAS[0]}") for day in (12, 15, 11, 14, 13)]
    assert numbers(expired(images, (), Rule(3), ORDER)) == [11, 12]
    assert numbers(expired(images, (), Rule(5), ORDER)) == []
    assert numbers(expired(images, {digest("11")}, Rule(3), ORDER)) == [12]


def test_each_group_keeps_its_own() -> None:
    images = [kept(day, f"202611{day:02}-{SHAS[0]}-pc2", group=f"group {day % 2}") for day in range(10, 16)]
    assert numbers(expired(images, (), Rule(2), ORDER)) == [10, 11]


def test_within_a_day_the_commit_decides_and_then_the_work_tree() -> None:
    same_day = [kept(at, f"20261124-{sha}") for at, sha in enumerate(SHAS)]
    dirty = kept(9, f"20261124-{SHAS[2]}-dirty")
    assert numbers(expired([*same_day, dirty], (), Rule(1), ORDER)) == [0, 1, 2]


def test_what_is_young_stays_whatever_the_number() -> None:
    images = [kept(day, f"202611{day:02}-{SHAS[0]}") for day in (1, 2, 22, 23, 24)]
    assert numbers(expired(images, (), Rule(1, date(2026, 11, 22)), ORDER)) == [1, 2]
    unknown = kept(9, "input-" + "0" * 32)
    assert numbers(expired([*images, unknown], (), Rule(1, date(2026, 11, 22)), ORDER)) == [1, 2]
    assert numbers(expired([*images, unknown], (), Rule(1), ORDER))[0] == 9


def test_a_name_that_somebody_gave_keeps_an_image() -> None:
    images = [kept(day, f"202611{day:02}-{SHAS[0]}") for day in (11, 12)]
    named = kept(10, f"20261110-{SHAS[0]}", "before-the-demo")
    assert numbers(expired([*images, named], (), Rule(1), ORDER)) == [11]


def test_what_one_group_keeps_stays_in_every_group() -> None:
    shared = [kept(1, f"20261101-{SHAS[0]}", group="a"), kept(1, f"20261101-{SHAS[0]}", group="b")]
    newer = [kept(number, f"2026110{number}-{SHAS[0]}", group="a") for number in (2, 3)]
    assert numbers(expired([*shared, *newer], (), Rule(1), ORDER)) == [2]


def test_parts_go_with_the_last_that_holds_them() -> None:
    assert freed([{"a": 1, "b": 2}, {"b": 2, "c": 4}], []) == [1, 6]
    assert freed([{"a": 1, "b": 2}, {"b": 2, "c": 4}], [{"c": 4}]) == [1, 2]
    assert freed([], [{"c": 4}]) == []


PARTS = st.lists(st.dictionaries(st.sampled_from("abcdef"), st.just(1)), max_size=6)


@given(PARTS, PARTS)
def test_freed_bytes_are_those_that_only_what_goes_had(
    going: list[dict[str, int]], staying: list[dict[str, int]]
) -> None:
    only = {key for parts in going for key in parts} - {key for parts in staying for key in parts}
    assert sum(freed(going, staying)) == len(only)


# Whole hosts: few digests, so that tags, groups, releases and containers share them all the time.
DIGESTS = st.sampled_from([digest(word) for word in "abcdefgh"])
NAMES = st.sampled_from([f"{machine}/{service}" for machine in ("mainpc", "pc2") for service in ("Alpha", "Beta")])
OURS = st.builds(
    lambda day, sha, dirty, machine: f"202611{day:02}-{sha}{dirty}{machine}",
    st.integers(1, 30),
    st.sampled_from(SHAS),
    st.sampled_from(["", "-dirty"]),
    st.sampled_from(["", "-mainpc", "-pc2"]),
)
TAGS = st.one_of(
    st.tuples(OURS),
    st.tuples(OURS, OURS),
    st.tuples(OURS, st.sampled_from(["input-" + "0" * 32, "mine"])),
    st.just(()),
)


@st.composite
def images(draw: st.DrawFn) -> tuple[Image, ...]:
    found = {}
    for key in draw(st.sets(DIGESTS, min_size=5)):
        names = tuple(f"registry.example/{draw(st.sampled_from('xy'))}:{tag}" for tag in draw(TAGS))
        title = {"org.opencontainers.image.title": draw(st.sampled_from(["mainpc/Alpha", "pc2/Beta"]))}
        ours = {"io.dockwright.input": "sha256:i", **title}
        layers = dict.fromkeys(draw(st.sets(st.sampled_from("123456"))), 10)
        packed = {f"sha256:{layer}": 3 for layer in layers}
        found[key] = Image(key, names, draw(st.sampled_from([ours, ours, ours, title])), layers, packed)
    return tuple(found.values())


@st.composite
def releases(draw: st.DrawFn) -> list[Record]:
    made = []
    for number in range(draw(st.integers(0, 5))):
        chosen = draw(st.dictionaries(NAMES, DIGESTS, min_size=1, max_size=2))
        told = contents(dict.fromkeys(chosen, "x")).model_dump(mode="json")["instances"]
        for name, key in chosen.items():
            told[name]["digest"] = key
        made.append(record(f"2026112{number}-{SHA[:12]}", contents({}, instances=told), number))
    return made


@st.composite
def hosts(draw: st.DrawFn) -> dict[str, Any]:
    records = draw(releases())
    times = st.dictionaries(
        st.sampled_from(["mainpc", "pc2"]), st.sampled_from(["2026-11-24T1", "2026-11-24T2", "2026-11-24T3"])
    )
    running = draw(st.dictionaries(NAMES, DIGESTS, max_size=1))
    if draw(st.booleans()) and records:
        running = {name: one.digest for name, one in draw(st.sampled_from(records)).contents.instances.items()}
    return {
        "records": records,
        "health": Health({one.name: found for one in records if (found := draw(times))}),
        "running": running,
        "used": draw(st.sets(DIGESTS, max_size=1)),
        "built": draw(st.sets(DIGESTS, max_size=1)),
        "held": dict.fromkeys(draw(st.sets(DIGESTS, max_size=1)), "pinned"),
    }


def needed(host: dict[str, Any]) -> set[str]:
    """What must stay, worked out anew: the newest release, the one that runs, each machine's last two healthy ones."""
    records, health = host["records"], host["health"]
    stay: set[str] = set(records[-1].digests()) if records else set()
    for machine in health.machines:
        seen = [
            (times[machine], one.created, one) for one in records if machine in (times := health.seen.get(one.name, {}))
        ]
        for _, _, one in sorted(seen, key=lambda each: each[:2])[-2:]:
            stay |= one.digests()
    for one in records:
        instances = one.contents.instances
        if host["running"] and all(
            name in instances and instances[name].digest == key for name, key in host["running"].items()
        ):
            stay |= one.digests()
    return stay.union(host["running"].values(), host["used"], host["built"], host["held"])


class Unused:
    """No engine: a plan asks none."""

    def run(self, *_: str, **__: object) -> str:
        raise AssertionError("a plan changes nothing")


@settings(max_examples=400)
@given(
    images(),
    hosts(),
    st.sampled_from([1, 1, 2, 3]),
    st.none() | st.dates(date(2026, 11, 1), date(2026, 11, 30)),
    st.booleans(),
)
def test_no_plan_has_anything_that_is_needed(
    found: tuple[Image, ...], host: dict[str, Any], keep: int, since: date | None, with_cache: bool
) -> None:
    stored = Stored(found, tuple(Container("x", key, 0) for key in host["used"]), (), (), 0, 0, 0)
    stays = protected.digests(**host)
    engine: Any = Unused()
    items = prune.images(engine, stored, stays, Rule(keep, since), ORDER, with_cache=with_cache)
    going = {item.digest for item in items}
    gone = [image for image in found if image.digest in going]
    assert len(gone) == len(items)
    must_stay = needed(host)
    for image in gone:
        assert image.digest not in must_stay
        assert "io.dockwright.input" in image.labels
        assert all(tags.ours(tag) for tag in image.tags)
        assert since is None or all(read.day < since for tag in image.tags if (read := tags.read(tag)))
    groups = {image.labels.get("org.opencontainers.image.title") for image in gone}
    for group in groups:
        members = [image for image in found if image.labels.get("org.opencontainers.image.title") == group]
        assert len(members) - sum(image in gone for image in members) >= min(keep, len(members))
    assert sum(item.size for item in items) <= sum(
        {key: size for image in found for key, size in {**image.layers, **image.packed}.items()}.values()
    )


def test_the_releases_that_stay_whole() -> None:
    """Each for its own reason: here no two of them are the same one."""
    made = [
        record(f"2026112{number}-{SHA[:12]}", contents({"mainpc/Alpha": str(number)}), number) for number in range(8)
    ]
    names = [one.name for one in made]
    health = Health(
        {
            names[1]: {"mainpc": "2026-11-24T01"},
            names[2]: {"mainpc": "2026-11-24T03"},
            names[3]: {"mainpc": "2026-11-24T02"},
            names[4]: {"pc2": "2026-11-24T01"},
        }
    )
    running = {"mainpc/Alpha": made[5].contents.instances["mainpc/Alpha"].digest}
    found = {one.name: why for one, why in protected.releases(made, health, running)}
    assert found == {
        names[7]: "the newest release",
        names[5]: "the release that should run here",
        names[2]: "healthy on every machine",
        names[3]: "healthy on every machine",
        names[4]: "healthy on pc2",
    }
    assert protected.releases([], Health({}), {}) == []


def cached(size: int, hours: float, *, in_use: bool = False) -> Cached:
    return Cached(size, in_use, False, (NOW - timedelta(hours=hours)).isoformat())


def test_cache_frees_no_more_than_what_stays_leaves() -> None:
    records = [cached(10, 100), cached(20, 30), cached(40, 1), cached(5, 100, in_use=True)]
    whole = Cache(records[:3], 0, NOW)
    assert (whole.whole, whole.least(50)) == (True, 50)
    part = Cache(records, 24, NOW)
    assert [one.size for one in part.going] == [10, 20]
    assert (part.whole, part.least(75), part.least(60), part.least(40)) == (False, 30, 15, 0)
    assert Cache(records, 1000, NOW).least(75) == 0
    assert Cache([], 0, NOW).whole


def test_of_the_cache_counts_what_no_image_has() -> None:
    image = Image("sha256:a", ("x:1",), {}, {"layer 1": 100}, {"sha256:p": 30})
    records = (cached(500, 1), cached(70, 1))
    stored = Stored((image, image), (), records, (), 300, 50, 0)
    assert (stored.of_images, stored.of_cache, stored.on_disk) == (130, 220, 350)
    unseen = Stored((image,), (), (cached(500, 1), Cached(70, False, True, "")), (), 300, None, 0)
    assert (unseen.of_cache, unseen.on_disk) == (500, 630)


def test_what_fails_is_told_and_the_rest_goes_on() -> None:
    done: list[str] = []

    def fails(error: BaseException) -> None:
        raise error

    items = [
        Item("images", "a", 1, "", lambda: done.append("a")),
        Item("images", "b", 2, "", lambda: fails(CommandFailed("in use"))),
        Item("state", "c", 4, "", lambda: done.append("c")),
        Item("state", "d", 8, "", lambda: fails(KeyboardInterrupt())),
        Item("state", "e", 16, "", lambda: done.append("e")),
    ]
    outcome = Outcome(list(items))
    with pytest.raises(KeyboardInterrupt):
        prune.run(outcome, lambda _: None)
    assert done == ["a", "c"]
    assert [item.name for item in outcome.gone] == ["a", "c"]
    assert [(item.name, str(error)) for item, error in outcome.failed] == [("b", "in use")]
    assert [item.name for item in outcome.left] == ["d", "e"]
    outcome = Outcome([Item("images", "a", 1, "", lambda: fails(EngineUnavailable("gone"))), items[4]])
    with pytest.raises(EngineUnavailable):
        prune.run(outcome, lambda _: None)
    assert len(outcome.left) == 2
