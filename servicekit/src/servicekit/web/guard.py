"""The outermost layer of every application: bounds what comes in, and turns what fails into problems."""

from __future__ import annotations

import time
from typing import Any, Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit.connection import cut
from servicekit.service import Service
from servicekit.web.body import Body
from servicekit.web.measures import Measures
from servicekit.web.problem import Problem, respond

HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Guard:
    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        self._limit = service.settings.spec.max_body_kb * 1024
        self._measures = Measures(service.metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        sending = Sending(send)
        body = Body(self._service, scope, receive, self._limit)
        try:
            await self._answer(scope, body, sending)
        finally:
            seconds = time.perf_counter() - began
            self._measures.count(scope, sending.status, seconds)
            if sending.status >= 500:
                told = {"method": str(scope["method"]), "path": str(scope["path"])[:500], "status": sending.status}
                self._service.log.warning("a request was answered with an error", extra={**told, "seconds": seconds})

    async def _answer(self, scope: Scope, body: Body, sending: Sending) -> None:
        try:
            refuse_garbage(scope)
            await body.refuse_early()
            await self._app(scope, body.receive, sending.unless(body))
        except ClientDisconnect:
            pass  # nobody is left to answer, and nothing has failed here
        except Exception as error:
            if body.refused is None and not isinstance(error, Problem):
                self._failed(scope, error)
            if sending.status:  # the answer has begun: its reader must not take it for whole
                if not await cut():
                    raise
                return
            wrong = error if isinstance(error, Problem) else Problem(500, "the service failed; it has been reported")
            await respond(body.refused or wrong)(scope, body.receive, sending)
        else:
            if body.refused is not None and not sending.status:
                await respond(body.refused)(scope, body.receive, sending)

    def _failed(self, scope: Scope, error: Exception) -> None:
        where = {"method": str(scope["method"]), "path": str(scope["path"])[:500]}
        self._service.log.error("a request failed", exc_info=error, extra=where)
        self._service.report_error(error, **where)


def refuse_garbage(scope: Scope) -> None:
    if b"%00" in scope.get("raw_path", b"") or b"%00" in scope["query_string"]:
        raise Problem(400, "the address holds a NUL byte")


class Sending:
    """Passes an answer on with the headers that every answer has; knows whether it has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            headers = list(message.get("headers", ()))
            present = {name.lower() for name, _ in headers}
            message = {**message, "headers": headers + [pair for pair in HEADERS if pair[0] not in present]}
        await self._send(message)

    def unless(self, body: Body) -> Send:
        """Sends, unless the body was refused: then the application's own answer to that is swallowed."""

        async def send(message: Any) -> None:
            if body.refused is None or self.status:
                await self(message)

        return send
