"""Health ports that answer well, badly, slowly or not at all; ports that others hold; the engine's containers."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest
from rollout.engine import Recorded, container
from rollout.listeners import Behaviour, answer, dripping, free_port, listener, says, silent

from dockwright.rollout.facts import Health, ask, ask_all, cards, containers

SOON = 0.3  # seconds until an answer that never comes is given up
LONG = 20.0  # seconds for one that comes, however busy this machine is


def asked(behave: Behaviour, patience: float = LONG) -> Health:
    with listener(behave) as port:
        return ask("127.0.0.1", port, patience)


def unwell(*reasons: object) -> bytes:
    return answer(503, {"status": "unhealthy", "reasons": reasons})


def test_200_is_health() -> None:
    assert asked(says(answer(200, {"status": "ok"}))) == Health(True, "")


def test_the_request_is_a_plain_get_of_health() -> None:
    heads: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(LONG)

        def serve() -> None:
            with server.accept()[0] as connection:
                heads.append(connection.recv(4096))
                connection.sendall(answer(200))

        thread = threading.Thread(target=serve)
        thread.start()
        assert ask("127.0.0.1", server.getsockname()[1], LONG).ok
        thread.join()
    lines = heads[0].decode().split("\r\n")
    assert lines[0] == "GET /health HTTP/1.1"
    assert "Connection: close" in lines


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (unwell({"check": "disk", "reason": "full"}), "disk: full"),
        (
            unwell({"check": "disk", "reason": "full"}, {"check": "loop", "reason": "blocked"}),
            "disk: full; loop: blocked",
        ),
        (unwell(), "HTTP 503"),
        (unwell("a text"), "HTTP 503"),
        (unwell({"check": "disk"}), "HTTP 503"),
        (answer(503, ["a", "list"]), "HTTP 503"),
        (answer(503, b"<html>proxy error</html>"), "HTTP 503"),
        (answer(503, b"\xff\xfe\x00"), "HTTP 503"),
        (answer(503, b"[" * 30_000), "HTTP 503"),
        (answer(404, {"detail": "Not Found"}), "HTTP 404"),
        (answer(302), "HTTP 302"),
        (answer(204), "HTTP 204"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "its health port: SSH-2.0-OpenSSH_9.2"),
        (b"HTTP/1.1 two hundred\r\n\r\n", "its health port: HTTP/1.1 two hundred"),
        (b"", "its health port closes the connection"),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else None,
)
def test_every_other_answer_is_a_reason(raw: bytes, reason: str) -> None:
    assert asked(says(raw)) == Health(False, reason)


@pytest.mark.parametrize(
    "raw",
    [
        unwell({"check": "disk", "reason": "\x1b[2J\x1b[H all is well\r\n"}),
        unwell({"check": "\x9b2J", "reason": "x"}),
        b"\x1b[2J\x1b[H all is well\r\n",
    ],
)
def test_an_answer_cannot_move_the_cursor(raw: bytes) -> None:
    reason = asked(says(raw)).reason
    assert reason.isprintable() and reason


@pytest.mark.parametrize("raw", [unwell({"check": "disk", "reason": "x" * 50_000}), b"x" * 60_000 + b"\r\n"])
def test_a_long_answer_does_not_fill_the_screen(raw: bytes) -> None:
    assert 0 < len(asked(says(raw)).reason) <= 500


def test_only_the_first_part_of_a_long_answer_is_read() -> None:
    """64 KiB; what a container goes on to say is not waited for."""

    def behave(connection: socket.socket, closing: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 503 X\r\nContent-Length: 999999999\r\n\r\n" + b"x" * 100_000)
        silent(connection, closing)

    assert asked(behave) == Health(False, "HTTP 503")


def test_nothing_listens() -> None:
    assert ask("127.0.0.1", free_port(), LONG) == Health(False, "nothing listens on its health port")


def test_silence() -> None:
    assert asked(silent, SOON) == Health(False, "its health port does not answer")


@pytest.mark.parametrize(
    "begin",
    [b"", b"HTTP/1.1 ", b"HTTP/1.1 503 X\r\nX-Slow: ", b"HTTP/1.1 503 X\r\nContent-Length: 9999\r\n\r\n"],
    ids=["nothing", "status", "head", "body"],
)
def test_an_answer_that_drips_is_given_up_as_a_whole(begin: bytes) -> None:
    """Each byte comes in time, and there is no end to them: for 30 s, or as long as somebody listens."""
    began = time.monotonic()
    health = asked(dripping(begin), SOON)
    assert time.monotonic() - began < 15
    assert health == Health(False, "its health port does not answer")


def test_many_are_asked_at_once() -> None:
    """Thirty that are silent for 1.5 s each take 45 s one after the other."""
    began = time.monotonic()
    with listener(silent) as port, listener(says(answer(200))) as well:
        silence = {f"Silent{number}": ("127.0.0.1", port) for number in range(30)}
        found = ask_all({**silence, "Well": ("127.0.0.1", well)}, 1.5)
    assert time.monotonic() - began < 20
    assert {name for name, health in found.items() if health.ok} == {"Well"}
    assert found.keys() == {*silence, "Well"}


def test_asking_nobody_is_nothing() -> None:
    assert ask_all({}) == {}


def test_containers_are_the_fleets_running_or_not(tmp_path: Path) -> None:
    ended = container("dockwright-beta", Status="exited", ExitCode=137, FinishedAt="2026-11-24T19:00:00Z")
    ended["RestartCount"] = 4
    fresh = container("dockwright-gamma", Status="created", StartedAt="0001-01-01T00:00:00Z")
    engine = Recorded(tmp_path)
    engine.show([container("dockwright-alpha"), ended, fresh], vanished=["0" * 64])
    found = containers(engine.docker)
    assert {name: (one.state, one.exit_code, one.since, one.restarts) for name, one in found.items()} == {
        "dockwright-alpha": ("running", 0, "2026-11-24T18:57:12.541061655Z", 0),
        "dockwright-beta": ("exited", 137, "2026-11-24T19:00:00Z", 4),
        "dockwright-gamma": ("created", 0, "", 0),
    }
    alpha = found["dockwright-alpha"]
    assert alpha.image == "sha256:faa58900abfa9c5286a3f17c61cf2fd6e73649b91708a57d736df39cd0a4eb13"
    assert alpha.labels["io.dockwright.service"] == "ServiceRegistry"


def test_no_containers(tmp_path: Path) -> None:
    assert containers(Recorded(tmp_path).docker) == {}


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "echo 'NVIDIA GeForce RTX 4090'; echo 'NVIDIA GeForce RTX 3060'",
            ["NVIDIA GeForce RTX 4090", "NVIDIA GeForce RTX 3060"],
        ),
        ("echo 'NVIDIA-SMI has failed because it could not communicate with the driver.'; exit 9", []),
        ("", []),
    ],
)
def test_cards_are_what_the_driver_names(
    script: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}")
    assert cards() == expected


def test_a_host_without_a_driver_has_no_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cards() == []
