"""The service over several lives: killed, torn, filled up, stopped."""

from __future__ import annotations

import threading
import time
from http.client import HTTPException
from pathlib import Path
from typing import Any

from bus_errors import TRACE, told
from bus_listener import Heard, listening
from running import Running, start_service

FOLDER = Path(__file__).resolve().parents[1]


class Publisher(threading.Thread):
    """Sends batches as fast as they are taken, and notes what was answered with 202."""

    def __init__(self, service: Running, name: str) -> None:
        super().__init__(name=name)
        self.service = service
        self.accepted: dict[str, int] = {}
        self.stopped = False

    def run(self) -> None:
        sent = 0
        while not self.stopped:
            batch = [told(f"no {sent + at}", service=self.name, trace=TRACE, id=f"{sent + at}") for at in range(5)]
            try:
                answer = self.service.ask("POST", "/v1/errors", batch)
            except (OSError, HTTPException):
                return  # killed in the middle of it: whether it was kept nobody can tell
            assert answer.status == 202, answer.body
            self.accepted.update(zip((one["id"] for one in batch), answer.json()["numbers"], strict=True))
            sent += 5


def everything(service: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = service.ask("GET", f"/v1/errors?limit=200{cursor}").json()
        found += page["errors"]
        if page["cursor"] is None:
            return found
        cursor = f"&cursor={page['cursor']}"


def test_what_was_accepted_survives_kill_9_in_the_middle_of_publishing(tmp_path: Path) -> None:
    with start_service(FOLDER, tmp_path, machine="pc2") as service:
        accepted: dict[tuple[str, str], int] = {}
        heard: list[Heard] = []
        last = ""
        for life in range(3):
            publishers = [Publisher(service, f"P{life}-{at}") for at in range(3)]
            with listening(service.url, last=last) as stream:
                for publisher in publishers:
                    publisher.start()
                heard += [one for one in stream.until(60) if one.event != "place"]
                last = heard[-1].id
                service.kill()
            for publisher in publishers:
                publisher.join(20)
                accepted |= {(publisher.name, key): number for key, number in publisher.accepted.items()}
            service.start()
        kept = {(one["service"], one["id"]): one["number"] for one in everything(service)}
        assert accepted.items() <= kept.items()
        assert len(accepted) > 100
        # What was in flight at a kill may be kept without an answer: at most one batch per publisher.
        assert len(kept) - len(accepted) <= 3 * 3 * 5
        assert sorted(kept.values()) == list(range(1, len(kept) + 1))
        groups = service.ask("GET", "/v1/groups?limit=200").json()["groups"]
        assert sum(one["count"] for one in groups) == len(kept)
        # The listener was cut off with every kill; with its last id it has heard each error once, in order.
        with listening(service.url, last=last) as stream:
            heard += [one for one in stream.until(len(kept) - len(heard)) if one.event != "place"]
        assert [one.data["number"] for one in heard] == list(range(1, len(kept) + 1))
        assert {one.event for one in heard} == {"published"}
        assert service.health("/info").json()["set_aside"] == []


def test_sent_again_after_a_crash_it_is_counted_once(tmp_path: Path) -> None:
    with start_service(FOLDER, tmp_path, machine="pc2") as service:
        batch = [told(id="a"), told(id="b")]
        numbers = service.ask("POST", "/v1/errors", batch).json()["numbers"]
        service.kill()
        service.start()
        answer = service.ask("POST", "/v1/errors", [*batch, told(id="c")]).json()
        assert answer == {"accepted": 3, "duplicates": 2, "numbers": [*numbers, 3]}


def test_a_corrupt_database_is_set_aside_and_the_service_is_well(tmp_path: Path) -> None:
    with start_service(FOLDER, tmp_path, machine="pc2") as service:
        service.ask("POST", "/v1/errors", [told(trace="x" * 20_000, id=str(at)) for at in range(50)])
        assert service.stop() == 0
        state = Path(service.environment["DOCKWRIGHT_STATE_DIR"])
        (state / "errors.db").write_bytes(b"\xa5" * 50_000)
        service.start()
        assert service.health().json()["status"] == "ok"
        (aside,) = service.health("/info").json()["set_aside"]
        assert (state / aside).read_bytes() == b"\xa5" * 50_000
        (said,) = [line for line in service.lines if line["level"] == "error"]
        assert (said["as"], "corrupt" in said["message"]) == (aside, True)
        assert service.ask("POST", "/v1/errors", [told(id="1")]).json()["numbers"] == [1]


def test_the_store_stays_within_its_bounds(tmp_path: Path) -> None:
    bounds = {"ERRORS": "60", "GROUPS": "6", "RECENT": "10", "DISK_BYTES": str(64 * 1024 * 1024)}
    environment = {f"CENTRAL_ERROR_BUS_{name}": value for name, value in bounds.items()}
    with start_service(FOLDER, tmp_path, machine="pc2", env=environment) as service:
        with listening(service.url) as stream:
            begin = stream.place()
        for at in range(10):
            batch = [told(f"{'abcdef'[at % 6]}", kind=f"K{at % 6}", id=f"{at}-{one}") for one in range(20)]
            assert service.ask("POST", "/v1/errors", batch).status == 202
        kept = everything(service)
        assert [one["number"] for one in kept] == list(range(200, 140, -1))
        groups = service.ask("GET", "/v1/groups").json()["groups"]
        counts = [(one["kind"], one["count"]) for one in groups]  # also of those whose errors have all gone
        assert counts == [("K3", 40), ("K2", 40), ("K1", 40), ("K0", 40), ("K5", 20), ("K4", 20)]
        with listening(service.url, last=begin) as stream:
            heard = stream.until(60)
        assert [one.event for one in heard[:2]] == ["place", "lost"]
        assert heard[1].data["after"] == begin
        assert heard[1].data["up_to"].endswith("-140")
        assert [one.data["number"] for one in heard[2:]] == list(range(141, 201))


def test_a_limit_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    with start_service(FOLDER, tmp_path, healthy=False, env={"CENTRAL_ERROR_BUS_ERRORS": "many"}) as service:
        assert service.process is not None
        assert service.process.wait(20) == 2
        assert service.lines[-1]["message"].startswith("CENTRAL_ERROR_BUS_ERRORS is no number")


def test_it_stops_soon_with_listeners_and_publishers(tmp_path: Path) -> None:
    with start_service(FOLDER, tmp_path, machine="pc2") as service:
        with listening(service.url) as stream:
            stream.place()
            publisher = Publisher(service, "P")
            publisher.start()
            stream.until(20)
            began = time.monotonic()
            assert service.stop() == 0
            assert time.monotonic() - began < 10
            list(stream)  # ends by itself
            publisher.stopped = True
            publisher.join(20)
        state = Path(service.environment["DOCKWRIGHT_STATE_DIR"])
        assert not (state / "errors.db-wal").exists()  # tidied away
        service.start()
        kept = {one["id"] for one in everything(service)}
        assert publisher.accepted.keys() <= kept
