"""A worker: serves on a socket that it was given, and answers its parent instead of a health port."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from servicekit.beside import Beside
from servicekit.facts import Facts
from servicekit.process import Serving, serve
from servicekit.settings import Settings
from servicekit.workers import link


class Answering(Serving):
    def __init__(self, parent: socket.socket) -> None:
        self._parent = parent
        self._answering: asyncio.Task[None] | None = None

    async def open(self, facts: Facts, beside: Beside) -> None:
        async def about() -> dict[str, Any]:
            return {"facts": facts.service.facts, "capabilities": sorted(facts.service.capabilities)}

        async def metrics() -> str:
            return (await facts.metrics()).decode()

        answers: link.Answers = {"health": facts.probe.reasons, "metrics": metrics, "about": about}
        self._answering = asyncio.create_task(link.answer(self._parent, answers, beside.stop))


def work(settings: Settings, listening: int, linked: int) -> int:
    """The arguments are file descriptors that the parent left open."""
    return serve(settings, socket.socket(fileno=listening), Answering(socket.socket(fileno=linked)))
