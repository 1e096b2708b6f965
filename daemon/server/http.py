"""uvicorn inside our own loop: started on given sockets, stopped on demand, and silent while idle.

uvicorn's own main loop wakes ten times a second to look at a flag. The daemon waits for an event instead, because a
program that counts joules should not spend them on waiting.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from halfwatt.daemon.client.peer import is_foreign

STRANGERS_MAX = 64
ACCEPTED_AT_ONCE = 32  # connections; asyncio takes that many off the queue before it can cut the first one
QUEUE = 1024  # connections that the system keeps for us; a full queue of a Unix socket refuses clients
STRANGER_LIMIT_S = 10.0


class Strangers:
    """Connections over which no token has come yet. Each is cut after a while, the oldest also when there are many.

    So no program of another user can hold the daemon's file descriptors."""

    def __init__(self, limit: int = STRANGERS_MAX, limit_s: float = STRANGER_LIMIT_S) -> None:
        self._limit = limit
        self._limit_s = limit_s
        self._cuts: dict[asyncio.Transport, asyncio.TimerHandle] = {}

    def add(self, transport: asyncio.Transport) -> None:
        self._cuts[transport] = asyncio.get_running_loop().call_later(self._limit_s, self._cut, transport)
        if len(self._cuts) > self._limit:
            self._cut(next(iter(self._cuts)))

    def discard(self, transport: asyncio.Transport) -> None:
        """It has shown the token, or has ended."""
        cut = self._cuts.pop(transport, None)
        if cut is not None:
            cut.cancel()

    def _cut(self, transport: asyncio.Transport) -> None:
        self.discard(transport)
        transport.abort()


class Connection(H11Protocol):
    """One connection. Over the Unix socket only the daemon's own user gets one; over loopback all are strangers first.

    The request's state holds `let_in`, which api/access.py calls when the token is right."""

    def __init__(self, strangers: Strangers, *, app_state: dict[str, Any], **given: Any) -> None:
        super().__init__(app_state={**app_state, "let_in": self._let_in}, **given)
        self._strangers = strangers

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        super().connection_made(transport)
        bound = transport.get_extra_info("socket")
        if bound.family != getattr(socket, "AF_UNIX", None):
            self._strangers.add(transport)
        elif is_foreign(bound):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._strangers.discard(self.transport)
        super().connection_lost(exc)

    def _let_in(self) -> None:
        self._strangers.discard(self.transport)


class HttpServer:
    """One uvicorn server over the given listening sockets."""

    def __init__(self, app: ASGIApp, grace_s: float) -> None:
        config = uvicorn.Config(
            app,
            http=partial(Connection, Strangers()),  # type: ignore[arg-type]  # uvicorn only calls it
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            backlog=ACCEPTED_AT_ONCE,
            timeout_keep_alive=75,  # longer than clients keep an idle connection, so that they close it first
            timeout_graceful_shutdown=int(grace_s),
        )
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        self._bound: list[socket.socket] = []

    async def start(self, bound: Sequence[socket.socket]) -> None:
        """Begin to accept connections; returns once the sockets listen."""
        self._bound = list(bound)
        await self._server.startup(sockets=self._bound)
        for each in self._bound:
            each.listen(QUEUE)

    async def stop(self) -> None:
        """Refuse new connections, give running requests their grace, then cut them."""
        await self._server.shutdown(sockets=self._bound)
