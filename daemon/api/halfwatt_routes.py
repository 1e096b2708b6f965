"""halfwatt's own endpoints under /halfwatt/v1: decide only, feedback, status, energy, events, metrics, control.

This module only shapes requests and answers; the service, the status feed and the ledger do the work.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from halfwatt.daemon.client.peer import proof_of
from halfwatt.daemon.client.runtime_files import Address, Health
from halfwatt.daemon.errors import UsageError
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.ledger.summary import parse_since
from halfwatt.daemon.service.pause import Pause
from halfwatt.daemon.service.service import Service
from halfwatt.daemon.service.skipped import book_skipped
from halfwatt.daemon.settings.live import Settings
from halfwatt.daemon.wire import Feedback, Skipped, encode

from .metrics import exposition
from .openai_body import ChatBody, TextBody, chat_request, parse, text_request
from .openai_routes import json_response
from .sse import HEARTBEAT, EventStream, event
from .status import StatusFeed

MAX_RECENT = 1000
Value = TypeVar("Value")
Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True)
class Controls:
    """What these endpoints act on."""

    service: Service
    status_feed: StatusFeed
    ledger: Ledger
    settings: Settings
    pause: Pause
    pull: Callable[[str], None]
    stop: Callable[[], None]
    address: Address
    token: str


class PauseBody(Struct):
    """How long ghost text pauses; null: until it is resumed."""

    minutes: Annotated[float, Meta(gt=0, le=60 * 24 * 7)] | None = None


class DialBody(Struct):
    """The new `routing.dial`: eco, balanced, quality or a number from 0."""

    dial: str | float


class PullBody(Struct):
    """A model's id in the catalog, or "auto"."""

    id: str


class _ShapeOnly(Struct):
    messages: msgspec.Raw = msgspec.Raw()


def routes(controls: Controls) -> list[Route]:
    base = "/halfwatt/v1"
    reading: dict[str, Endpoint] = {
        "status": lambda request: _status(controls, request),
        "energy": lambda request: _energy(controls, request),
        "recent": lambda request: _recent(controls, request),
        "events": lambda request: _events(controls, request),
        "metrics": lambda request: _metrics(controls, request),
        "healthz": lambda request: _health(controls, request),
        "proof": lambda request: _proof(controls, request),
    }
    acting: dict[str, Endpoint] = {
        "route": lambda request: _route(controls, request),
        "feedback": lambda request: _feedback(controls, request),
        "skipped": lambda request: _skipped(controls, request),
        "pause": lambda request: _pause(controls, request),
        "resume": lambda request: _resume(controls, request),
        "dial": lambda request: _dial(controls, request),
        "models/pull": lambda request: _pull(controls, request),
        "shutdown": lambda request: _shutdown(controls, request),
    }
    return [
        *(Route(f"{base}/{name}", _endpoint(call)) for name, call in reading.items()),
        *(Route(f"{base}/{name}", _endpoint(call), methods=["POST"]) for name, call in acting.items()),
        Route("/metrics", _endpoint(reading["metrics"])),
    ]


def _endpoint(call: Endpoint) -> Endpoint:
    """Starlette tells coroutine functions from plain ones by looking at them, and a lambda looks plain."""

    async def endpoint(request: Request) -> Response:
        return await call(request)

    return endpoint


async def _status(controls: Controls, _: Request) -> Response:
    return json_response(controls.status_feed.status())


async def _energy(controls: Controls, request: Request) -> Response:
    since = parse_since(request.query_params.get("since", "today"), datetime.now().astimezone())
    return json_response(await asyncio.to_thread(controls.ledger.summary, since))


async def _recent(controls: Controls, request: Request) -> Response:
    text = request.query_params.get("n", "20")
    if not text.isdigit() or not 1 <= int(text) <= MAX_RECENT:
        raise UsageError(f"`n` must be a whole number from 1 to {MAX_RECENT}.")
    return json_response(await asyncio.to_thread(controls.ledger.recent, int(text)))


async def _events(controls: Controls, _: Request) -> Response:
    return EventStream(_event_bytes(controls.status_feed))


async def _event_bytes(status_feed: StatusFeed) -> AsyncGenerator[bytes, None]:
    async with aclosing(status_feed.subscribe()) as statuses:
        async for status in statuses:
            yield HEARTBEAT if status is None else event(encode(status))


async def _metrics(controls: Controls, _: Request) -> Response:
    summary = await asyncio.to_thread(controls.ledger.summary, 0.0)
    text = exposition(controls.status_feed.status(), summary, controls.service.n_running)
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4")


async def _health(controls: Controls, _: Request) -> Response:
    return json_response(Health(controls.address.pid, controls.address.version))


async def _proof(controls: Controls, request: Request) -> Response:
    """Open to everybody on this machine: it tells nothing to those who cannot read the token file."""
    nonce = request.query_params.get("nonce", "")
    return PlainTextResponse(proof_of(controls.token, controls.address.port, nonce))


async def _route(controls: Controls, request: Request) -> Response:
    raw = await request.body()
    is_chat = bool(bytes(_body(raw, _ShapeOnly).messages))
    routed = chat_request(parse(raw, ChatBody)) if is_chat else text_request(parse(raw, TextBody))
    return json_response(await controls.service.route(routed))


async def _feedback(controls: Controls, request: Request) -> Response:
    feedback = _body(await request.body(), Feedback)
    if not await asyncio.to_thread(controls.ledger.record_outcome, feedback):
        raise UsageError("No request with this id is in the ledger (any more), so nothing was noted.")
    controls.status_feed.changed()
    return Response(status_code=204)


async def _skipped(controls: Controls, request: Request) -> Response:
    skipped = _body(await request.body(), Skipped)
    await asyncio.to_thread(book_skipped, skipped, controls.ledger, time.time())
    return Response(status_code=204)


async def _pause(controls: Controls, request: Request) -> Response:
    controls.pause.start(_body(await request.body(), PauseBody).minutes)
    return _changed(controls)


async def _resume(controls: Controls, _: Request) -> Response:
    controls.pause.stop()
    return _changed(controls)


async def _dial(controls: Controls, request: Request) -> Response:
    dial = _body(await request.body(), DialBody).dial
    await asyncio.to_thread(controls.settings.set, "routing.dial", str(dial))
    return _changed(controls)


async def _pull(controls: Controls, request: Request) -> Response:
    controls.pull(_body(await request.body(), PullBody).id)
    return _changed(controls)


async def _shutdown(controls: Controls, _: Request) -> Response:
    controls.stop()
    return Response(status_code=204)


def _changed(controls: Controls) -> Response:
    controls.status_feed.changed()
    return json_response(controls.status_feed.status())


def _body(raw: bytes, shape: type[Value]) -> Value:
    try:
        return msgspec.json.decode(raw or b"{}", type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The request body was not understood: {error}.") from None
