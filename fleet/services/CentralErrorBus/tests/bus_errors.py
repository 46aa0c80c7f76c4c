"""Errors for tests, and what a small store needs."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from central_error_bus.core.record import Incoming
from central_error_bus.limits import Limits
from central_error_bus.store.store import Store
from central_error_bus.store.transaction import Added, Transaction

LOG = logging.getLogger("errors")
AT = 1_795_521_600_000_000  # 2026-11-24T12:00:00Z

TRACE = """Traceback (most recent call last):
  File "/app/cache_manager/app.py", line 41, in answer
    return await self.store.read(key)
  File "/app/cache_manager/store.py", line 17, in read
    raise KeyError(key)
KeyError: 'x'
"""


def error(message: str = "it broke", **more: Any) -> Incoming:
    base = Incoming("CacheManager", "pc2", AT, "error", "KeyError", message)
    return replace(base, **more)


def told(message: str = "it broke", **more: Any) -> dict[str, Any]:
    """As a publisher writes it."""
    base = {"service": "CacheManager", "machine": "pc2", "at": "2026-11-24T12:00:00+00:00", "level": "error"}
    return {**base, "kind": "KeyError", "message": message, "context": {}, **more}


def small(**more: Any) -> Limits:
    return replace(Limits(disk_bytes=64 * 1024 * 1024), **more)


def opened(folder: Path, limits: Limits | None = None, fts: bool = True) -> Store:
    store = Store(folder, limits or small(), LOG, fts)
    store.open()
    return store


def add(store: Store, *errors: Incoming) -> Added:
    found: list[Added] = []

    def work(transaction: Transaction) -> None:
        found.append(transaction.add(errors))

    store.transact(work)
    return found[0]


def settle(store: Store, fingerprint: str, state: str, note: str | None = None) -> bool:
    found: list[bool] = []

    def work(transaction: Transaction) -> None:
        found.append(transaction.settle_group(fingerprint, state, note))

    store.transact(work)
    return found[0]
