"""The daemon's web application: routes, the guard around them, and errors turned into sentences.

It starts nothing; server/run.py owns the process, service/service.py the flow of a request.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from halfwatt.daemon.errors import HalfwattError

from .access import BodyTooLargeError, Guard, error_response, too_large

_LOG = logging.getLogger("halfwatt.app")


def build(
    routes: Sequence[BaseRoute], token: str, without_token: frozenset[str], on_request: Callable[[], None]
) -> ASGIApp:
    """The ASGI app that uvicorn serves."""
    handlers = {
        HalfwattError: _known,
        BodyTooLargeError: _large,
        HTTPException: _http,
        ClientDisconnect: _gone,
        Exception: _unknown,
    }
    app = Starlette(routes=list(routes), exception_handlers=handlers)  # type: ignore[arg-type]  # handlers are typed by their own exception
    return Guard(app, token, without_token, on_request)


async def _known(_: Request, error: HalfwattError) -> Response:
    return error_response(error.http_status, error.code, str(error))


async def _large(_: Request, __: BodyTooLargeError) -> Response:
    refusal = too_large()
    return error_response(refusal.status, refusal.code, refusal.message)


async def _http(request: Request, error: HTTPException) -> Response:
    message = {
        404: f"There is nothing at {request.url.path} here.",
        405: f"{request.method} is not possible at {request.url.path}.",
    }.get(error.status_code, error.detail)
    return error_response(error.status_code, "not_found" if error.status_code == 404 else "http", message)


async def _gone(_: Request, __: ClientDisconnect) -> Response:
    return Response(status_code=499)


async def _unknown(_: Request, error: Exception) -> Response:
    _LOG.error("unexpected", exc_info=error)
    message = "Something unexpected went wrong in the daemon; the request was dropped. Details are in its log."
    return error_response(500, "unexpected", message)
