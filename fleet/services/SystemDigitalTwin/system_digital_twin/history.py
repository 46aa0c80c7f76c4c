"""The machines' past: buckets in memory that fill up, written down now and then, read from both places."""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from system_digital_twin.series import LEVELS, Bucket, Tally, level_for, one, pour
from system_digital_twin.shelf import Place, Shelf

MOST_HELD: Final = 400  # buckets in memory while the disk takes none: some twenty minutes of two machines
FOREVER: Final = 2**62


@dataclass(frozen=True)
class Point:
    start: int
    tally: Tally


@dataclass(frozen=True)
class Line:
    """One metric over time in points of `seconds`; where nothing was measured there is no point."""

    seconds: int
    points: list[Point]


class History:
    """Blocking, for any thread. A disk that fails costs what is older than memory reaches; `problem` says so."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._shelf: Shelf | None = None
        self._held: dict[Place, Bucket] = {}  # whole buckets: what is on disk of them is poured in when they open
        self._dirty: set[Place] = set()
        self._newest: dict[tuple[int, str], int] = {}
        self.problem = ""
        self._written = time.monotonic()
        self.lost = 0  # buckets that were never written

    def open(self) -> None:
        with self._lock:
            self._try_shelf()

    def close(self, now: float) -> None:
        self.flush(now)
        with self._lock:
            if self._shelf is not None:
                self._shelf.close()
                self._shelf = None

    def _try_shelf(self) -> Shelf | None:
        if self._shelf is None:
            try:
                self._shelf = Shelf(self._path)
                self.problem = ""
            except sqlite3.Error as error:
                self._failed(error)
        return self._shelf

    def _failed(self, error: sqlite3.Error) -> None:
        self.problem = f"{self._path.name}: {error}"[:300]
        if type(error) is not sqlite3.DatabaseError:
            return  # locked, full, read-only: the file itself may be well
        if self._shelf is not None:
            self._shelf.close()
            self._shelf = None
        try:
            self._path.replace(self._path.with_name(f"{self._path.name}.broken"))
            for tail in ("-wal", "-shm"):
                self._path.with_name(self._path.name + tail).unlink(missing_ok=True)
        except OSError as refused:
            self.problem += f"; it cannot be put aside: {refused.strerror}"

    def record(self, machine: str, at: float, values: dict[str, float]) -> None:
        fresh = {metric: one(value) for metric, value in values.items()}
        with self._lock:
            for level in LEVELS:
                place = (level.seconds, int(at) // level.seconds * level.seconds, machine)
                pour(self._opened(place), fresh)
                self._dirty.add(place)
            self._let_go()

    def _opened(self, place: Place) -> Bucket:
        bucket = self._held.get(place)
        if bucket is None:
            level, start, machine = place
            newest = self._newest.get((level, machine), FOREVER)
            # After a restart, or a clock that was put back, a part of it may be on disk.
            bucket = self._held[place] = self._on_disk(place) if start <= newest else {}
            self._newest[level, machine] = start if newest == FOREVER else max(start, newest)
        return bucket

    def _on_disk(self, place: Place) -> Bucket:
        try:
            return self._shelf.read(place) if self._shelf is not None else {}
        except sqlite3.Error as error:
            self._failed(error)
            return {}

    def _let_go(self) -> None:
        """The finest and oldest first."""
        for place in sorted(self._held)[: max(0, len(self._held) - MOST_HELD)]:
            del self._held[place]
            self.lost += place in self._dirty
            self._dirty.discard(place)

    def flush(self, now: float) -> None:
        """Writes down what is new; `problem` tells whether it could."""
        with self._lock:
            shelf = self._try_shelf()
            if shelf is None:
                return
            try:
                shelf.write({place: self._held[place] for place in self._dirty}, now)
            except sqlite3.Error as error:
                self._failed(error)
                return
            self._dirty.clear()
            self._held = {place: bucket for place, bucket in self._held.items() if now - place[1] < place[0]}
            self.problem, self._written = "", time.monotonic()

    def unwritten_for(self) -> float:
        """Seconds since the last time that everything was written, while there is a problem."""
        return time.monotonic() - self._written if self.problem else 0.0

    def metrics(self, machine: str) -> list[str]:
        """Everything that there may be figures of."""
        with self._lock:
            found = {name for place, bucket in self._held.items() if place[2] == machine for name in bucket}
            try:
                for level in LEVELS:
                    found |= self._shelf.last(level.seconds, machine).keys() if self._shelf is not None else set()
            except sqlite3.Error as error:
                self._failed(error)
        return sorted(found)

    def read(self, machine: str, metric: str, since: float, until: float, now: float, points: int) -> Line:
        """At most `points` of them, two or more."""
        width = max(1.0, (until - since) / points)
        level = level_for(now - since, width).seconds
        step = level * max(1, int(-(-width // level)))
        while int(until) // step - int(since) // step + 1 > points:
            step += level
        found = self._tallies(level, machine, metric, int(since) // step * step, int(until))
        folded: dict[int, Tally] = {}
        for start, tally in sorted(found.items()):
            place = start // step * step
            folded[place] = folded[place] + tally if place in folded else tally
        return Line(step, [Point(start, tally) for start, tally in folded.items()])

    def _tallies(self, level: int, machine: str, metric: str, since: int, until: int) -> dict[int, Tally]:
        with self._lock:
            found: dict[int, Tally] = {}
            try:
                if self._shelf is not None:
                    found = self._shelf.between(level, machine, metric, since, until)
            except sqlite3.Error as error:
                self._failed(error)
            for (width, start, of), bucket in self._held.items():
                if width == level and of == machine and since <= start <= until and metric in bucket:
                    found[start] = bucket[metric]
            return found
