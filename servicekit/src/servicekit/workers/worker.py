"""A worker: serves on a socket that it was given, and answers its parent instead of a health port."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from servicekit.beside import Beside
from servicekit.facts import Facts
from servicekit.process import serve
from servicekit.settings import Settings
from servicekit.workers import link


def work(settings: Settings, listening: int, linked: int) -> int:
    """The arguments are file descriptors that the parent left open."""
    parent = socket.socket(fileno=linked)
    tasks: set[asyncio.Task[None]] = set()

    async def opening(facts: Facts, beside: Beside) -> None:
        async def about() -> dict[str, Any]:
            return {"facts": facts.service.facts, "capabilities": sorted(facts.service.capabilities)}

        async def metrics() -> str:
            return (await facts.metrics()).decode()

        answers: link.Answers = {"health": facts.probe.reasons, "metrics": metrics, "about": about}
        tasks.add(asyncio.create_task(link.answer(parent, answers, beside.stop)))

    return serve(settings, socket.socket(fileno=listening), opening, lambda _: None)
