"""GET /: the status page."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Header, Response

from unified_observability_center.page_file import load

HTML: Final = {"text/html": {"schema": {"type": "string"}}}


def routes() -> APIRouter:
    router = APIRouter()
    page = load()
    headers = {"Content-Security-Policy": page.policy, "ETag": page.etag, "Cache-Control": "no-cache"}

    @router.get(
        "/",
        response_class=Response,
        summary="The status page",
        responses={
            200: {"content": {"text/html": {"schema": {"type": "string"}}}},
            304: {"description": "Not Modified"},
        },
    )
    async def status_page(if_none_match: Annotated[str | None, Header()] = None) -> Response:
        if if_none_match == page.etag:
            return Response(status_code=304, headers=headers)
        return Response(page.body, media_type="text/html; charset=utf-8", headers=headers)

    return router
