"""Server-sent events from the daemon, and noticing that the client has left.

It does not know what the events mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

Value = TypeVar("Value")
DONE = b"data: [DONE]\n\n"
HEARTBEAT = b": still here\n\n"


class EventStream(StreamingResponse):
    """Sends what the generator yields, and closes the generator at once when the client leaves."""

    def __init__(self, events: AsyncGenerator[bytes, None]) -> None:
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._events.aclose()


def event(json_bytes: bytes) -> bytes:
    """One event with one JSON document as its data."""
    return b"data: " + json_bytes + b"\n\n"


async def until_disconnect(request: Request, work: Coroutine[Any, Any, Value]) -> Value | None:
    """Await `work`; when the client leaves first, cancel it and return None. The body must have been read."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
