"""Carries an attempt out: wave by wave through the gate, or back to what was before. Each step is on the disk first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from self_healing_supervisor.act import Failed, Hands
from self_healing_supervisor.core.facts import Shape
from self_healing_supervisor.docker import Denied, Docker
from self_healing_supervisor.follow.gate import HOLD, WAVE_HOLD, Course, Look, Verdict
from self_healing_supervisor.follow.state import Attempt
from self_healing_supervisor.follow.waves import waves
from self_healing_supervisor.http1 import Unanswered
from self_healing_supervisor.sight import Sight
from self_healing_supervisor.world import World

LOOK: Final = 0.25


class NotNow(Exception):
    """Nothing can be said of the images: the registry, the engine or the operator is in the way. Tried again later."""


class DoesNotHold(Exception):
    """The images cannot hold; str() says why."""


class Around(Protocol):
    """What the trial needs of the supervisor."""

    @property
    def connected(self) -> bool: ...

    def deadline(self, service: str) -> float: ...


class Trial:
    """`put` writes down that a service gets an image, before it does; it raises NotNow where the operator spoke."""

    def __init__(
        self, docker: Docker, world: World, hands: Hands, around: Around, put: Callable[[str, str], object]
    ) -> None:
        self._docker = docker
        self._world = world
        self._hands = hands
        self._around = around
        self._put = put

    async def pull(self, attempt: Attempt) -> None:
        """Every image is here before the first container stops. Raises NotNow, DoesNotHold."""
        for service, digest in attempt.images.items():
            container = self._sight(service).wanted.container
            try:
                if not await self._docker.has_image(container, digest):
                    await self._docker.pull(container, digest)
            except Unanswered as error:
                raise NotNow(f"{service}: {error}") from error
            except Denied as denial:
                if denial.status == 403:
                    raise DoesNotHold(f"{service}: {denial}") from denial
                raise NotNow(f"{service}: {denial}") from denial

    async def forward(self, attempt: Attempt) -> None:
        """Raises DoesNotHold, NotNow."""
        done: dict[str, Course] = {}
        every = waves(self._world.order, attempt.images)
        for wave in every:
            await self._replace({service: attempt.images[service] for service in wave})
            done |= {service: self._course(service) for service in wave}
            await self._hold(done, HOLD if wave is every[-1] else WAVE_HOLD)

    async def back(self, attempt: Attempt) -> None:
        """All that was touched, at once and then gated as well. Raises DoesNotHold, NotNow."""
        before = {service: attempt.before.get(service, "") for service in attempt.touched}
        for service, digest in before.items():
            container = self._sight(service).wanted.container
            if digest and not await self._docker.has_image(container, digest):
                await self._docker.pull(container, digest)
        problems: list[str] = []
        for service in [name for wave in waves(self._world.order, before) for name in wave]:
            try:
                await self._replace({service: before[service]})
            except DoesNotHold as error:
                problems.append(str(error))
        if problems:
            raise DoesNotHold("; ".join(problems))
        await self._hold({service: self._course(service) for service in before}, HOLD)

    async def _replace(self, images: dict[str, str]) -> None:
        changing = [(service, digest) for service, digest in images.items() if not self._runs(service, digest)]
        for service, digest in changing:
            await self._idle(service)
            self._put(service, digest)
        works = [self._hands.replace(self._sight(service), digest) for service, digest in changing]
        ends = await asyncio.gather(*works, return_exceptions=True)
        for (service, _), end in zip(changing, ends, strict=True):
            if isinstance(end, Unanswered):
                raise NotNow(f"{service}: {end}") from end
            if isinstance(end, Denied | Failed):
                raise DoesNotHold(await self._witnessed([service], str(end)))
            if isinstance(end, BaseException):
                raise end

    def _runs(self, service: str, digest: str) -> bool:
        sight = self._sight(service)
        wanted = digest or sight.wanted.image_digest.removeprefix("sha256:")
        return sight.shape is Shape.RUNNING and sight.digest == wanted

    async def _idle(self, service: str) -> None:
        """Waits until the healer has its hands off a service; from then on they stay off."""
        while service in self._world.acting:
            await asyncio.sleep(LOOK)

    def _course(self, service: str) -> Course:
        return Course(time.monotonic(), self._around.deadline(service))

    async def _hold(self, courses: dict[str, Course], seconds: float) -> None:
        """Until every service has held for so many seconds. Raises DoesNotHold when one cannot."""
        ids = {service: self._sight(service).id for service in courses}
        while True:
            if not self._around.connected:
                raise NotNow("the engine does not answer")
            now = time.monotonic()
            for service, course in courses.items():
                sight = self._sight(service)
                look = Look(sight.id == ids[service], sight.shape, sight.health)
                courses[service] = course.take(look, now, seconds)
            failed = [service for service, course in courses.items() if course.verdict.failed]
            if failed:
                raise DoesNotHold(await self._witnessed(failed, *(self._words(one, courses[one]) for one in failed)))
            if all(course.verdict is Verdict.HELD for course in courses.values()):
                return
            await asyncio.sleep(LOOK)

    def _words(self, service: str, course: Course) -> str:
        sight = self._sight(service)
        if course.verdict is Verdict.ENDED:
            return f"its container is {sight.shape}, exit code {sight.exit_code}"
        last = sight.answers[-1].detail if sight.answers else "no answer"
        return f"{course.verdict}: {last}"

    async def _witnessed(self, services: Iterable[str], *words: str) -> str:
        """Keeps evidence of each; what happened, in one line."""
        told = []
        for service, said in zip(services, words, strict=True):
            number = await self._hands.witness(self._sight(service), said, 1)
            told.append(f"{service}: {said} (evidence {number})")
        return "; ".join(told)

    def _sight(self, service: str) -> Sight:
        found = self._world.sights.get(service)
        if found is None:
            raise NotNow(f"{service} is no longer desired here")
        return found
