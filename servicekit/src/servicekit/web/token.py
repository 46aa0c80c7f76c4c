"""The fleet's token: everything that changes state asks for it."""

from __future__ import annotations

import hmac
from typing import Annotated, Final

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from servicekit.errors import Misconfigured
from servicekit.service import FLEET_TOKEN, Service
from servicekit.web.problem import Problem

CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}
BEARER: Final = HTTPBearer(auto_error=False, scheme_name="token", description="The fleet's token")


def check(service: Service, authorization: str) -> None:
    """Raises Problem unless `authorization` carries the fleet's token. In constant time."""
    scheme, _, given = authorization.partition(" ")
    try:
        wanted = service.secret(FLEET_TOKEN)
    except Misconfigured as error:
        service.log.error("requests that need the token are refused", extra={"why": str(error)})
        raise Problem(503, "the service has no token to compare with") from error
    good = hmac.compare_digest(given.strip().encode("utf-8", "surrogatepass"), wanted.encode())
    if scheme.lower() != "bearer" or not good:
        raise Problem(401, "the Authorization header does not carry the fleet's token", CHALLENGE)


async def require_token(
    request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)] = None
) -> None:
    """A dependency: 401 without the right `Authorization: Bearer …`."""
    check(request.app.state.service, request.headers.get("authorization", ""))
