"""The supervisor with all its parts, over a real socket and real health answers, before a double of the engine."""

from __future__ import annotations

import asyncio

import pytest
from scene import Play, Scene, played


@pytest.fixture
def play(tmp_path_factory: pytest.TempPathFactory) -> Play:
    folder = tmp_path_factory.mktemp("s")
    return lambda test: asyncio.run(played(folder, test))


async def begun(scene: Scene) -> str:
    scene.desire({"Alpha": []})
    ident = scene.engine.make("dockwright-alpha")
    await scene.engine.start(ident)
    return ident


def test_a_crash_heals_and_leaves_evidence_and_is_told(play: Play) -> None:
    async def test(scene: Scene) -> None:
        ident = await begun(scene)
        async with scene.supervised() as supervisor:
            await scene.healthy()
            await scene.engine.end(ident, 3)
            await scene.until(lambda: "healed" in scene.kinds())
            assert scene.kinds() == ["crashed", "restarted", "healed"]
            (head,) = supervisor.evidence.heads("Alpha", 10)
            assert (head["kind"], head["exit_code"], head["outcome"]["ok"]) == ("crashed", 3, True)
            record = supervisor.evidence.read(head["id"])
            assert record is not None
            assert record["logs"] == ["the last one"]
            assert record["answers"][-1]["health"] == "well"

    play(test)


def test_a_hung_instance_is_killed_and_started(play: Play) -> None:
    async def test(scene: Scene) -> None:
        ident = await begun(scene)
        async with scene.supervised() as supervisor:
            await scene.healthy()
            scene.engine.programs[ident].hung = True
            await scene.until(lambda: "healed" in scene.kinds())
            assert scene.kinds() == ["hung", "restarted", "healed"]
            record = supervisor.evidence.read(supervisor.evidence.heads(None, 1)[0]["id"])
            assert record is not None
            assert record["memory_mb"] == 49.0
            assert record["answers"][-1]["health"] == "silent"
            signals = [target for _, target in scene.engine.acts if "/kill" in target]
            assert [signal.rpartition("=")[2] for signal in signals] == ["SIGABRT", "SIGKILL"]

    play(test)


def test_an_instance_that_says_why_it_is_unwell_is_asked_to_end(play: Play) -> None:
    async def test(scene: Scene) -> None:
        ident = await begun(scene)
        async with scene.supervised():
            await scene.healthy()
            scene.engine.programs[ident].answer = (503, b'{"status":"unhealthy","reasons":["a peer is lost"]}')
            await scene.until(lambda: "restarted" in scene.kinds())
            assert scene.kinds()[:2] == ["unwell", "restarted"]
            assert scene.told[1]["detail"]["why"].endswith("a peer is lost")
            assert [target.rpartition("=")[2] for _, target in scene.engine.acts if "/kill" in target] == ["SIGTERM"]

    play(test)


def test_a_stop_by_an_operator_is_not_fought_until_it_is_started_again(play: Play) -> None:
    async def test(scene: Scene) -> None:
        ident = await begun(scene)
        async with scene.supervised() as supervisor:
            await scene.healthy()
            await scene.engine.outside_stop(ident)
            await scene.until(lambda: scene.state() == "held")
            await asyncio.sleep(1.5)
            assert scene.engine.starts == ["dockwright-alpha"]
            await scene.engine.start(ident)
            await scene.healthy()
            assert supervisor.holds.all() == {}
            await scene.engine.outside_stop(ident)
            await scene.until(lambda: scene.state() == "held")
            scene.desire({"Alpha": []})  # the operator's tool wants it again
            await scene.healthy()

    play(test)


def test_a_stop_while_the_supervisor_was_away_is_not_fought_either(play: Play) -> None:
    async def test(scene: Scene) -> None:
        ident = await begun(scene)
        async with scene.supervised():
            await scene.healthy()
        while not scene.engine.events.empty():
            scene.engine.events.get_nowait()
        await scene.engine.outside_stop(ident)  # the engine keeps these events and sends them when asked from then on
        scene.supervisor = scene.made()
        async with scene.supervised() as supervisor:
            await scene.until(lambda: scene.state() == "held")
            assert supervisor.watch.heard_at > 0
            await asyncio.sleep(1)
            assert len(scene.engine.starts) == 1

    play(test)


def test_a_removed_container_is_made_again(play: Play) -> None:
    async def test(scene: Scene) -> None:
        ident = await begun(scene)
        async with scene.supervised():
            await scene.healthy()
            await scene.engine.outside_remove(ident)
            await scene.until(lambda: "healed" in scene.kinds())
            assert scene.engine.by_name("dockwright-alpha") != ident
            assert scene.kinds()[-2:] == ["restarted", "healed"]

    play(test)


def test_after_a_reboot_all_start_in_order(play: Play) -> None:
    async def test(scene: Scene) -> None:
        scene.desire({"Alpha": ["Beta"], "Beta": ["Gamma"], "Gamma": [], "SelfHealingSupervisor": []})
        for name in ("alpha", "beta", "gamma"):
            ident = scene.engine.make(f"dockwright-{name}")
            scene.engine.containers[ident]["State"] |= {"Status": "exited", "ExitCode": 255}
        async with scene.supervised():
            await scene.healthy("Alpha", "Beta", "Gamma")
            assert scene.engine.starts == ["dockwright-gamma", "dockwright-beta", "dockwright-alpha"]
            assert "SelfHealingSupervisor" not in scene.supervisor.memories

    play(test)


def test_what_is_no_longer_desired_is_left_alone(play: Play) -> None:
    async def test(scene: Scene) -> None:
        ident = await begun(scene)
        async with scene.supervised():
            await scene.healthy()
            scene.desire({})
            await scene.until(lambda: not scene.supervisor.memories)
            await scene.engine.end(ident, 0)
            await asyncio.sleep(1)
            assert scene.engine.starts == ["dockwright-alpha"]

    play(test)


def test_it_goes_on_when_the_engine_went_away_and_came_back(play: Play) -> None:
    async def test(scene: Scene) -> None:
        ident = await begun(scene)
        async with scene.supervised() as supervisor:
            await scene.healthy()
            await scene.engine.cut()
            await scene.until(lambda: supervisor.watch.connected_at is None)
            await scene.engine.end(ident, 1)
            while not scene.engine.events.empty():
                scene.engine.events.get_nowait()  # nobody will tell
            await scene.engine.listen(scene.folder / "s")
            await scene.until(lambda: "healed" in scene.kinds())

    play(test)


def test_a_broken_desired_file_changes_nothing_and_is_said(play: Play) -> None:
    async def test(scene: Scene) -> None:
        ident = await begun(scene)
        async with scene.supervised() as supervisor:
            await scene.healthy()
            (scene.folder / "desired.json").write_text('{"instances": [')
            await scene.until(lambda: supervisor.desired.problem)
            await scene.engine.end(ident, 1)
            await scene.until(lambda: "healed" in scene.kinds())

    play(test)


def test_a_failed_restart_is_told_and_tried_again(play: Play) -> None:
    async def test(scene: Scene) -> None:
        ident = await begun(scene)
        async with scene.supervised() as supervisor:
            await scene.healthy()
            scene.engine.startable = False
            await scene.engine.end(ident, 1)
            await scene.until(lambda: scene.kinds().count("restart_failed") >= 2)
            assert supervisor.evidence.heads(None, 1)[0]["outcome"]["ok"] is False

    play(test)
