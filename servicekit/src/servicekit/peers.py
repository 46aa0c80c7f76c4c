"""The services that this one may call, at the addresses that the rollout gave; there are no others."""

from __future__ import annotations

import json as codec
from collections.abc import Callable
from typing import Any

from servicekit.client import Reply, Request, send
from servicekit.errors import Unanswered, UndeclaredPeer
from servicekit.settings import Address
from servicekit.settings import Peers as Declared

__all__ = ["Peers", "Reply"]


class Peers:
    """Without a machine, the peer on this service's own machine is meant, or the first one by name."""

    def __init__(self, declared: Declared, machine: str, token: Callable[[], str]) -> None:
        self._declared = declared
        self._machine = machine
        self._token = token

    def __contains__(self, name: object) -> bool:
        return bool(self._declared.get(str(name)))

    def machines(self, name: str) -> tuple[str, ...]:
        """Where the peer runs; the own machine first. Raises UndeclaredPeer."""
        found = self._declared.get(name)
        if not found:
            raise UndeclaredPeer(f"{name} is not declared as a peer (service.toml: depends or calls)")
        return tuple(sorted(found, key=lambda machine: (machine != self._machine, machine)))

    def url(self, name: str, machine: str | None = None) -> str:
        return self._address(name, machine).url

    def health_url(self, name: str, machine: str | None = None) -> str:
        return self._address(name, machine).health_url

    def _address(self, name: str, machine: str | None) -> Address:
        machines = self.machines(name)
        if machine is not None and machine not in machines:
            raise UndeclaredPeer(f"{name} is not declared on {machine}")
        return self._declared[name][machine or machines[0]]

    def call(
        self,
        name: str,
        method: str,
        path: str,
        json: Any = None,
        machine: str | None = None,
        timeout: float = 5.0,
    ) -> Reply:
        """Blocking: from a coroutine use `asyncio.to_thread`. Sends the fleet's token.

        Raises UndeclaredPeer, and Unanswered when no whole answer came within `timeout` seconds. `json` may be bytes
        that are JSON already.
        """
        url = self.url(name, machine) + path
        body = json if isinstance(json, bytes) else b"" if json is None else codec.dumps(json).encode()
        try:
            return send(Request(method, url, body, self._token()), timeout)
        except Unanswered as error:
            raise Unanswered(f"{name}: {error}") from error
