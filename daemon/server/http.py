"""uvicorn inside our own loop: started on a given socket, stopped on demand, and silent while idle.

uvicorn's own main loop wakes ten times a second to look at a flag. The daemon waits for an event instead, because a
program that counts joules should not spend them on waiting.
"""

from __future__ import annotations

import socket

import uvicorn
from starlette.types import ASGIApp


class HttpServer:
    """One uvicorn server over one listening socket."""

    def __init__(self, app: ASGIApp, grace_s: float) -> None:
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=75,  # longer than clients keep an idle connection, so that they close it first
            timeout_graceful_shutdown=int(grace_s),
        )
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        self._bound: socket.socket | None = None

    async def start(self, bound: socket.socket) -> None:
        """Begin to accept connections; returns once the socket listens."""
        self._bound = bound
        await self._server.startup(sockets=[bound])

    async def stop(self) -> None:
        """Refuse new connections, give running requests their grace, then cut them."""
        await self._server.shutdown(sockets=[self._bound] if self._bound else None)
