"""Releases followed, over a real socket and real HTTP: brought, taken back, remembered, and never tried twice."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from machine_double import APPROVED
from registry_double import RegistryDouble, record, registry
from scene import Killed, Play, Scene, played
from self_healing_supervisor.follow import follower
from self_healing_supervisor.follow.state import State, StateFile

NEW, BAD, THIRD = "b" * 64, "c" * 64, "d" * 64
FIRST, SECOND, LATER = "20261125-000000000001", "20261125-000000000002", "20261126-000000000003"
SERVICES: dict[str, list[str]] = {"Beta": [], "Alpha": ["Beta"]}


@pytest.fixture
def play(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Play:
    for name, seconds in (
        ("trial.HOLD", 0.4),
        ("trial.WAVE_HOLD", 0.1),
        ("follower.TICK", 0.1),
        ("follower.SOON", 0.3),
    ):
        monkeypatch.setattr(f"self_healing_supervisor.follow.{name}", seconds)
    folder = tmp_path_factory.mktemp("s")
    return lambda test: asyncio.run(played(folder, test))


@pytest.fixture
def shelf() -> Iterator[RegistryDouble]:
    with registry() as made:
        yield made


async def begun(scene: Scene, shelf: RegistryDouble, release: str = "latest", **more: Any) -> None:
    """Two instances run as the operator approved them, and the machine follows."""
    scene.follow = {"registry": shelf.place, "release": release, "every_seconds": 1}
    scene.desire(SERVICES, **more)
    for name in SERVICES:
        await scene.engine.start(scene.engine.make(f"dockwright-{name.lower()}"))


def put(scene: Scene, shelf: RegistryDouble, name: str, alpha: str, beta: str, later: float = 60.0) -> None:
    """A release that was made some seconds after now, and whose images can be pulled."""
    scene.engine.there |= {alpha, beta}
    shelf.put(record(name, {"mainpc/Alpha": alpha, "mainpc/Beta": beta, "pc2/Gamma": BAD}, time.time() + later))


def digests(scene: Scene) -> tuple[str, str]:
    return scene.engine.digest("dockwright-alpha"), scene.engine.digest("dockwright-beta")


def told(scene: Scene, kind: str) -> list[dict[str, Any]]:
    return [event["detail"] for event in scene.told if event["kind"] == kind]


def saved(scene: Scene) -> State:
    return StateFile(scene.folder / "state" / "follow.json").load()


def test_a_newer_release_is_brought_in_waves_and_the_former_images_are_kept(play: Play, shelf: RegistryDouble) -> None:
    async def test(scene: Scene) -> None:
        await begun(scene, shelf)
        async with scene.supervised():
            await scene.healthy("Alpha", "Beta")
            scene.engine.starts.clear()
            put(scene, shelf, FIRST, NEW, NEW)
            await scene.until(lambda: told(scene, "release_kept"))
            assert digests(scene) == (NEW, NEW)
            assert scene.engine.starts == ["dockwright-beta", "dockwright-alpha"]  # whoever is waited for first
            assert sorted(scene.engine.kept) == [f"dockwright-alpha {APPROVED}", f"dockwright-beta {APPROVED}"]
            await scene.healthy("Alpha", "Beta")
            assert (saved(scene).release, saved(scene).attempt) == (FIRST, None)
            await scene.until(lambda: scene.engine.locks[-2:] == ["POST", "DELETE"])
            assert told(scene, "release_kept") == [
                {"release": FIRST, "services": ["Alpha", "Beta"], "seconds": pytest.approx(5, abs=5)}
            ]
            asked = len(scene.engine.heads)
            await asyncio.sleep(1.5)  # and then nothing more happens
            assert not any(target.startswith("/containers/create") for _, target, _ in scene.engine.heads[asked:])

    play(test)


def test_a_container_that_is_removed_is_made_again_from_the_release_that_is_here(
    play: Play, shelf: RegistryDouble
) -> None:
    async def test(scene: Scene) -> None:
        await begun(scene, shelf)
        put(scene, shelf, FIRST, NEW, NEW)
        async with scene.supervised():
            await scene.until(lambda: told(scene, "release_kept"))
            await scene.healthy("Alpha", "Beta")
            await scene.engine.outside_remove(scene.engine.by_name("dockwright-alpha"))
            await scene.until(lambda: scene.engine.digest("dockwright-alpha") == NEW)
            await scene.healthy("Alpha")

    play(test)


@pytest.mark.parametrize(("nature", "why"), [("crashes", "exit code 3"), ("mute", "was not healthy within")])
def test_a_release_that_cannot_hold_is_taken_back_as_one_and_not_tried_again(
    play: Play, shelf: RegistryDouble, nature: str, why: str
) -> None:
    async def test(scene: Scene) -> None:
        scene.engine.natures[BAD] = nature
        await begun(scene, shelf, start_seconds=1)
        put(scene, shelf, FIRST, BAD, NEW)
        async with scene.supervised() as one:
            await scene.until(lambda: told(scene, "release_taken_back"))
            assert digests(scene) == (APPROVED, APPROVED)  # Beta was good, and is back all the same
            await scene.healthy("Alpha", "Beta")
            (said,) = told(scene, "release_taken_back")
            assert why in said["why"] and "Alpha" in said["why"]
            evidence = [head for head in one.evidence.heads("Alpha", 9) if head["kind"] == "did_not_hold"]
            assert [head["image"][-64:] for head in evidence] == [BAD]
            await asyncio.sleep(2.5)
            assert len(told(scene, "release_found")) == 1
            assert list(saved(scene).failed) == [FIRST]
            put(scene, shelf, SECOND, NEW, NEW, later=120)
            await scene.until(lambda: told(scene, "release_kept"))
            assert digests(scene) == (NEW, NEW)

    play(test)


def test_one_goes_back_to_what_held_last(play: Play, shelf: RegistryDouble) -> None:
    async def test(scene: Scene) -> None:
        scene.engine.natures[BAD] = "crashes"
        await begun(scene, shelf)
        put(scene, shelf, FIRST, NEW, NEW)
        async with scene.supervised():
            await scene.until(lambda: told(scene, "release_kept"))
            put(scene, shelf, SECOND, BAD, THIRD, later=120)
            await scene.until(lambda: told(scene, "release_taken_back"))
            assert digests(scene) == (NEW, NEW)
            assert (saved(scene).release, saved(scene).images) == (FIRST, {"Alpha": NEW, "Beta": NEW})

    play(test)


def test_what_failed_is_tried_again_when_somebody_says_so(play: Play, shelf: RegistryDouble) -> None:
    async def test(scene: Scene) -> None:
        scene.engine.natures[BAD] = "crashes"
        await begun(scene, shelf)
        put(scene, shelf, FIRST, BAD, NEW)
        async with scene.supervised():
            await scene.until(lambda: told(scene, "release_taken_back"))
            scene.engine.natures.clear()
            assert scene.follower is not None and scene.follower.forgive(FIRST)
            assert not scene.follower.forgive(FIRST)
            await scene.until(lambda: told(scene, "release_kept"))
            assert digests(scene) == (BAD, NEW)

    play(test)


def test_one_that_needs_healing_again_and_again_after_it_was_kept_goes_back(play: Play, shelf: RegistryDouble) -> None:
    async def test(scene: Scene) -> None:
        await begun(scene, shelf)
        put(scene, shelf, FIRST, NEW, NEW)
        async with scene.supervised() as one:
            await scene.until(lambda: told(scene, "release_kept"))
            for acts in range(follower.TROUBLES):
                await scene.healthy("Alpha")
                await scene.engine.end(scene.engine.by_name("dockwright-alpha"), 1)
                await scene.until(lambda acts=acts: one.memories["Alpha"].restarts > acts)  # type: ignore[misc]
            await scene.until(lambda: told(scene, "release_taken_back"))
            assert digests(scene) == (APPROVED, APPROVED)
            assert "was healed 2 times" in told(scene, "release_taken_back")[0]["why"]
            await scene.healthy("Alpha", "Beta")

    play(test)


def test_without_the_registry_it_works_on_and_says_when_that_is_back(play: Play, shelf: RegistryDouble) -> None:
    async def test(scene: Scene) -> None:
        await begun(scene, shelf)
        async with scene.supervised():
            await scene.healthy("Alpha", "Beta")
            await scene.until(lambda: saved(scene).old is not None)
            await asyncio.to_thread(shelf.stop)
            await scene.until(lambda: told(scene, "registry_lost"))
            await scene.engine.end(scene.engine.by_name("dockwright-alpha"), 1)
            await scene.until(lambda: "healed" in scene.kinds("Alpha"))
            put(scene, shelf, FIRST, NEW, NEW)
            shelf.start()
            await scene.until(lambda: told(scene, "release_kept"))
            assert [len(told(scene, kind)) for kind in ("registry_lost", "registry_back")] == [1, 1]

    play(test)


def test_images_that_do_not_come_stop_nothing(play: Play, shelf: RegistryDouble) -> None:
    async def test(scene: Scene) -> None:
        await begun(scene, shelf)
        put(scene, shelf, FIRST, NEW, THIRD)
        scene.engine.there.discard(THIRD)
        async with scene.supervised() as one:
            await scene.until(lambda: scene.follower is not None and "does not come" in scene.follower.waiting)
            assert digests(scene) == (APPROVED, APPROVED)
            assert len(scene.engine.starts) == 2
            assert not one.world.trying
            scene.engine.there.add(THIRD)
            await scene.until(lambda: told(scene, "release_kept"))
            assert digests(scene) == (NEW, THIRD)
            assert not saved(scene).failed

    play(test)


def test_only_what_is_newer_than_the_operators_word_is_followed(play: Play, shelf: RegistryDouble) -> None:
    async def test(scene: Scene) -> None:
        put(scene, shelf, FIRST, NEW, NEW, later=-60)
        await begun(scene, shelf)
        async with scene.supervised():
            await scene.until(lambda: saved(scene).old == [FIRST])
            await asyncio.sleep(1.5)
            assert digests(scene) == (APPROVED, APPROVED)
            put(scene, shelf, SECOND, THIRD, THIRD, later=-30)  # made before, and tagged only now
            await scene.until(lambda: told(scene, "release_kept"))
            assert digests(scene) == (THIRD, THIRD)

    play(test)


def test_the_operator_who_writes_anew_what_is_desired_has_the_last_word(play: Play, shelf: RegistryDouble) -> None:
    async def test(scene: Scene) -> None:
        await begun(scene, shelf)
        put(scene, shelf, FIRST, NEW, NEW)
        async with scene.supervised() as one:
            await scene.until(lambda: told(scene, "release_kept"))
            scene.desire(SERVICES, written_at=time.time() + 3600)
            await scene.until(lambda: not one.images)
            await scene.engine.outside_remove(scene.engine.by_name("dockwright-alpha"))
            await scene.until(lambda: scene.engine.digest("dockwright-alpha") == APPROVED)
            assert saved(scene).release == ""

    play(test)


def test_a_release_by_name_is_wanted_however_old_it_is(play: Play, shelf: RegistryDouble) -> None:
    async def test(scene: Scene) -> None:
        put(scene, shelf, FIRST, NEW, NEW, later=-600)
        put(scene, shelf, SECOND, THIRD, THIRD)
        await begun(scene, shelf, FIRST)
        async with scene.supervised():
            await scene.until(lambda: told(scene, "release_kept"))
            await asyncio.sleep(1.5)
            assert digests(scene) == (NEW, NEW)
            assert saved(scene).release == FIRST

    play(test)


def test_what_is_held_or_forced_stays_as_it_is(play: Play, shelf: RegistryDouble) -> None:
    async def test(scene: Scene) -> None:
        manifest = b'{"mediaType":"application/vnd.oci.image.manifest.v1+json"}'
        forced = hashlib.sha256(manifest).hexdigest()
        shelf.manifests["beta/old-mainpc"] = manifest
        scene.engine.there.add(forced)
        scene.force = "Beta=old,nonsense"
        await begun(scene, shelf)
        async with scene.supervised():
            await scene.until(lambda: told(scene, "release_kept"))
            assert digests(scene) == (APPROVED, forced)
            assert scene.follower is not None and "nonsense" in scene.follower.problem
            put(scene, shelf, FIRST, NEW, NEW)
            await scene.until(lambda: len(told(scene, "release_kept")) == 2)
            assert digests(scene) == (NEW, forced)

    play(test)


def test_what_was_pinned_when_it_was_rolled_out_is_moved_by_nothing(play: Play, shelf: RegistryDouble) -> None:
    async def test(scene: Scene) -> None:
        scene.engine.tags["dockwright-beta:mine-mainpc"] = THIRD
        scene.engine.here.add(THIRD)
        scene.force, scene.pinned = "Beta=mine", {"Beta"}
        await begun(scene, shelf)
        put(scene, shelf, FIRST, NEW, NEW)
        async with scene.supervised():
            await scene.until(lambda: told(scene, "release_kept"))
            assert digests(scene) == (NEW, APPROVED)

    play(test)


def test_a_tag_that_is_here_is_forced_without_the_registry(play: Play, shelf: RegistryDouble) -> None:
    async def test(scene: Scene) -> None:
        scene.engine.here.add(NEW)
        scene.force = "Beta=mine-mainpc,Alpha=gone"
        scene.engine.tags["dockwright-beta:mine-mainpc"] = NEW
        await begun(scene, shelf)
        shelf.stop()
        async with scene.supervised():
            await scene.until(lambda: told(scene, "release_kept"))
            assert digests(scene) == (APPROVED, NEW)

    play(test)


def test_while_somebody_deploys_nothing_is_begun(play: Play, shelf: RegistryDouble) -> None:
    async def test(scene: Scene) -> None:
        scene.engine.claimed = True
        await begun(scene, shelf)
        put(scene, shelf, FIRST, NEW, NEW)
        async with scene.supervised():
            await scene.until(lambda: scene.follower is not None and "somebody deploys" in scene.follower.waiting)
            assert digests(scene) == (APPROVED, APPROVED)
            scene.engine.claimed = False
            await scene.until(lambda: told(scene, "release_kept"))

    play(test)


@pytest.mark.parametrize(
    ("good", "nth"), [*((True, nth) for nth in range(1, 8)), *((False, nth) for nth in range(4, 12))]
)
@pytest.mark.parametrize("written", [True, False], ids=["after", "before"])
def test_killed_at_any_moment_the_next_life_goes_on(
    play: Play, shelf: RegistryDouble, monkeypatch: pytest.MonkeyPatch, nth: int, good: bool, written: bool
) -> None:
    """Just before or just after each write of the state, the process ends."""
    save, count = StateFile.save, iter(range(1, 1000))

    def dying(self: StateFile, state: State) -> None:
        last = next(count) == nth
        if not last or written:
            save(self, state)
        if last:
            raise Killed

    async def test(scene: Scene) -> None:
        scene.engine.natures[BAD] = "crashes"
        await begun(scene, shelf)
        put(scene, shelf, FIRST, NEW if good else BAD, NEW)
        monkeypatch.setattr(StateFile, "save", dying)
        async with scene.life():
            await scene.until(lambda: scene.dead() or told(scene, "release_kept") or told(scene, "release_taken_back"))
        monkeypatch.setattr(StateFile, "save", save)
        scene.supervisor = scene.made()
        async with scene.supervised():
            await scene.until(
                lambda: saved(scene).release == FIRST if good else list(saved(scene).failed) == [FIRST], seconds=40
            )
            assert digests(scene) == ((NEW, NEW) if good else (APPROVED, APPROVED))
            await scene.healthy("Alpha", "Beta")
            assert saved(scene).attempt is None

    play(test)


@pytest.mark.parametrize("nth", range(1, 10))
def test_whatever_the_engine_fails_at_all_run_from_one_release(play: Play, shelf: RegistryDouble, nth: int) -> None:
    async def test(scene: Scene) -> None:
        await begun(scene, shelf)
        async with scene.supervised():
            await scene.healthy("Alpha", "Beta")
            scene.engine.count, scene.engine.fails_at = 0, nth
            put(scene, shelf, FIRST, NEW, NEW)
            await scene.until(lambda: told(scene, "release_kept") or told(scene, "release_taken_back"))
            await scene.healthy("Alpha", "Beta")
            assert digests(scene) == ((NEW, NEW) if told(scene, "release_kept") else (APPROVED, APPROVED))
            assert saved(scene).attempt is None

    play(test)


def test_a_state_that_cannot_be_read_is_a_machine_that_followed_nothing(tmp_path: Any) -> None:
    for content in (b"", b"[]", b'{"basis": 1}', b'{"nonsense": 1}', json.dumps({"attempt": 5}).encode()):
        (tmp_path / "follow.json").write_bytes(content)
        assert StateFile(tmp_path / "follow.json").load() == State()
