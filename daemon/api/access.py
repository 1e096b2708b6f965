"""Who may call the daemon: only by its own address, from no foreign web page, with the token, and a body in bounds.

A plain ASGI wrapper around the app. It knows no route and no request shape. It does not check the dashboard's cookie:
the dashboard does, and its paths are passed in as `without_token`.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from halfwatt.daemon.wire import ErrorBody, ErrorReply, encode

MAX_BODY_BYTES = 8 * 1024 * 1024
_OWN_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class AccessRefusal:
    """A request that is not let in: HTTP status, machine code, sentence."""

    status: int
    code: str
    message: str


class Guard:
    """Lets a request through to `app`, or answers it with a refusal. Each one let through calls `on_request`."""

    def __init__(self, app: ASGIApp, token: str, without_token: frozenset[str], on_request: Callable[[], None]) -> None:
        self._app = app
        self._token = token
        self._without_token = without_token
        self._on_request = on_request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = refusal_of(headers, scope["path"], self._token, self._without_token)
        if refusal is not None:
            await error_response(refusal.status, refusal.code, refusal.message)(scope, receive, send)
            return
        if scope["path"] not in self._without_token:
            scope.get("state", {}).get("let_in", _nothing)()
        self._on_request()
        await self._app(scope, _limited(receive), send)


def _nothing() -> None:
    """Where no server of ours carries the request, as in tests."""


class BodyTooLargeError(Exception):
    """The body grew past the limit while it was read."""


def refusal_of(headers: Headers, path: str, token: str, without_token: frozenset[str]) -> AccessRefusal | None:
    """None when the request may pass. Host and Origin are checked before the token, so that a page learns nothing."""
    return (
        _host_refusal(headers)
        or _origin_refusal(headers)
        or (None if path in without_token else _token_refusal(headers, token))
        or _length_refusal(headers)
    )


def error_response(status: int, code: str, message: str) -> Response:
    """OpenAI's error shape, which every client of this API understands."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    body = encode(ErrorReply(ErrorBody(message=message, type=kind, code=code)))
    return Response(body, status_code=status, media_type="application/json")


def too_large() -> AccessRefusal:
    size = MAX_BODY_BYTES // (1024 * 1024)
    return AccessRefusal(
        413, "body_too_large", f"The request is larger than {size} MB and was not read; send less context."
    )


def _host_refusal(headers: Headers) -> AccessRefusal | None:
    if _host_name(headers.get("host", "")) in _OWN_NAMES:
        return None
    return AccessRefusal(
        403,
        "foreign_host",
        "The request was refused: its Host header does not name this machine. Use http://127.0.0.1 and the port.",
    )


def _origin_refusal(headers: Headers) -> AccessRefusal | None:
    origin = headers.get("origin")
    own = f"http://{headers.get('host', '')}"
    if origin is None or origin == own:
        return None
    return AccessRefusal(
        403,
        "foreign_origin",
        "The request was refused: it comes from a web page of another origin. No web page may call halfwatt.",
    )


def _token_refusal(headers: Headers, token: str) -> AccessRefusal | None:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(), token.encode())
    if scheme.lower() == "bearer" and same:
        return None
    return AccessRefusal(
        401,
        "bad_token",
        "The bearer token is missing or not that of the running daemon. Read the token file again "
        "(`halfwatt daemon status` names it).",
    )


def _length_refusal(headers: Headers) -> AccessRefusal | None:
    length = headers.get("content-length", "0")
    if length.isdigit() and int(length) <= MAX_BODY_BYTES:
        return None
    return too_large()


def _host_name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _limited(receive: Receive) -> Receive:
    """Count bytes of bodies that did not announce their length."""
    n_bytes = 0

    async def counted() -> Message:
        nonlocal n_bytes
        message = await receive()
        n_bytes += len(message.get("body", b""))
        if n_bytes > MAX_BODY_BYTES:
            raise BodyTooLargeError
        return message

    return counted
